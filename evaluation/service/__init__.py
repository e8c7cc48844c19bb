"""`kith.v1.Evaluation`: methods measured for many users, by one server or several on one folder.

Only this package of the room serves gRPC.
"""
