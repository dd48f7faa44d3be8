"""The gRPC interfaces, and the code that ``grpc_tools.protoc`` makes of them.

To make it again, from the root of the repository:
``python -m grpc_tools.protoc -I . --python_out . --pyi_out . --grpc_python_out . experiments/serve/protocol/*.proto``
"""
