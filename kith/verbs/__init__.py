"""What a client can do, each verb written once, without any input or output.

A verb is a generator: it yields the calls to make and is sent their replies. `Client` and
`AsyncClient` are two ways to make the calls.
"""
