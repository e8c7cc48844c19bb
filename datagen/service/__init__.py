"""`kith.v1.Datagen`: datasets made for many users, by one server or by several that share a folder.

Only this package of the room speaks gRPC.
"""
