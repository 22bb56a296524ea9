"""Clients and resources that botocore and boto3 make from descriptions of services."""

import functools
import gzip
import json
import re

CLIENTS = "botocore.client."
RESOURCES = "boto3.resources.factory."
ERRORS = "botocore.errorfactory."


def snake(name):
    """`PutItem` as the method is called."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


class Services:
    """The descriptions of services in the packages of a preset."""

    def __init__(self, roots):
        self.roots = roots

    @functools.cache
    def described(self, service, file):
        """The newest description of a service."""
        for root in self.roots:
            for path in sorted(root.glob(f"*/data/{service}/*/{file}*"), reverse=True):
                data = path.read_bytes()
                return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
        return None

    def model(self, of):
        """The description of a client (`botocore.client.SQS`), or of the service of a resource."""
        if of.startswith(CLIENTS):
            return self.described(of.removeprefix(CLIENTS).lower(), "service-2.json")
        if of.startswith(RESOURCES):
            return self.described(of.removeprefix(RESOURCES).split(".")[0], "service-2.json")
        return None

    def resource(self, of):
        """The description of a resource."""
        service, name = of.removeprefix(RESOURCES).split(".")
        described = self.described(service, "resources-1.json") or {"service": {}, "resources": {}}
        return described["service"] if name == "ServiceResource" else described["resources"].get(name, {})

    def gives_resource(self, of, call):
        """Whether a resource has a resource of this name. A service has all of them."""
        service = of.removeprefix(RESOURCES).split(".")[0]
        return call in self.resource(of).get("has", {}) or (
            of.endswith(".ServiceResource") and bool(self.resource(f"{RESOURCES}{service}.{call}"))
        )

    def operation(self, of, call):
        """The name of the operation behind a method."""
        model = self.model(of)
        if of.startswith(RESOURCES):
            actions = self.resource(of).get("actions", {})
            names = [a["request"]["operation"] for key, a in actions.items() if snake(key) == call]
            return names[0] if names else None
        return next((name for name in model["operations"] if snake(name) == call), None)

    def knows(self, of):
        model = self.model(of)
        if model is None:
            return False
        if of.startswith(RESOURCES):
            return bool(self.resource(of))
        described = model["metadata"]
        name = described.get("serviceAbbreviation") or described["serviceFullName"]
        name = re.sub(r"\W|Amazon|AWS", "", name)
        return name == of.removeprefix(CLIENTS)

    def shape(self, of, call, side):
        """The members of what an operation takes or gives."""
        model, operation = self.model(of), self.operation(of, call)
        if operation is None:
            return None
        shape = model["operations"][operation].get(side)
        return list(model["shapes"][shape["shape"]].get("members", {})) if shape else []

    def parameters(self, of, call):
        """The parameters of a method, or None if there is no such method. Most are given only by name."""
        members = self.shape(of, call, "input")
        if of.startswith(RESOURCES) and self.gives_resource(of, call):
            return []
        return self.injected(of, call) if members is None else members

    def answers(self, of, call):
        return self.shape(of, call, "output") or []

    def injected(self, of, call):
        """The parameters of a method that boto3 adds to a client or a resource."""
        service, _, name = of.removeprefix(CLIENTS).removeprefix(RESOURCES).lower().partition(".")
        for root in self.roots:
            for path in sorted(root.glob(f"boto3/{service}/*.py")):
                text = path.read_text(encoding="utf-8")
                function = rf"{name}_\w+" if name else call
                given = re.search(rf"inject_attribute\(\s*class_attributes, '{call}', ({function})\s*\)", text)
                function = given[1] if given else call if f"register_{name}_methods" in text else None
                signature = function and re.search(rf"def {function}\(([^)]*)\)", text)
                if signature:
                    names = [n for n in re.findall(r"(\w+)(?:=[^,]*)?(?:,|\s*$)", signature[1]) if n != "self"]
                    return [f"{name}:{index}" for index, name in enumerate(names)]
        return None

    def is_exception(self, dotted):
        """Whether an exception is described by a service: `botocore.errorfactory.NAME`."""
        if not dotted.startswith(ERRORS):
            return False
        name = dotted.removeprefix(ERRORS)
        services = ("dynamodb", "s3", "sqs", "kinesis", "firehose")
        models = [self.described(s, "service-2.json") for s in services]
        return any(m and m["shapes"].get(name, {}).get("exception") for m in models)
