"""A client of Jaeger's API v3 over gRPC that knows no message: each line in is {"method", "request" (hex)}, each line out
{"code", "details", "messages" (hex each)}.

    jaeger_v3.py HOST:PORT [CA_FILE] [NAME=VALUE of metadata]...
"""

import json
import sys

import grpc


def as_is(message):
    return message


def main():
    target, *more = sys.argv[1:]
    metadata = [tuple(word.split("=", 1)) for word in more if "=" in word]
    authorities = [word for word in more if "=" not in word]
    if authorities:
        with open(authorities[0], "rb") as file:
            channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(file.read()))
    else:
        channel = grpc.insecure_channel(target)
    for line in sys.stdin:
        call = json.loads(line)
        method = channel.unary_stream("/jaeger.api_v3.QueryService/" + call["method"], as_is, as_is)
        messages, code, details = [], "OK", ""
        try:
            for message in method(bytes.fromhex(call["request"]), metadata=metadata, timeout=60):
                messages.append(message.hex())
        except grpc.RpcError as error:
            code, details = error.code().name, error.details()
        print(json.dumps({"code": code, "details": details, "messages": messages}), flush=True)


if __name__ == "__main__":
    main()
