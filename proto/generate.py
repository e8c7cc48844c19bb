"""Writes the Python stubs of the contract: ``python proto/generate.py`` (``--check`` to compare).

The stubs are made from ``proto/kith/v1/*.proto`` with the protoc of grpcio-tools and the plugins of
mypy-protobuf. What the contract imports comes from installed packages: the Google APIs from
googleapis-common-protos, the validation rules from protovalidate.

The validation rules stay in the stubs as options, but the stubs do not import their definition:
only a server that validates needs protovalidate, a client does not.
"""

from __future__ import annotations

import argparse
import sysconfig
import tempfile
from importlib import resources
from pathlib import Path

import google.api
import protovalidate
from google.longrunning import operations_proto_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

PROTO = Path(__file__).resolve().parent
ROOT = PROTO.parent
STUBS = "kith/v1"
RULES = "buf/validate/validate.proto"


def sources() -> list[str]:
    """The contract's files, relative to ``proto/``, in alphabetical order."""
    return sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("kith/v1/*.proto"))


def describe() -> FileDescriptorSet:
    """The contract compiled, with its imports and its comments."""
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder, "given.binpb"), Path(folder, "out.binpb")
        given.write_bytes(_foreign().SerializeToString())
        google_apis = Path(next(iter(google.api.__path__))).parent.parent
        _protoc(
            f"--descriptor_set_in={given}",
            f"-I{PROTO}",
            f"-I{google_apis}",
            f"-I{resources.files('grpc_tools') / '_proto'}",
            "--include_imports",
            "--include_source_info",
            f"--descriptor_set_out={out}",
            *sources(),
        )
        return FileDescriptorSet.FromString(out.read_bytes())


def _foreign() -> FileDescriptorSet:
    """The imports that no installed package has as a ``.proto`` file of the right name."""
    rules = FileDescriptorProto.FromString(protovalidate.ViolationPb.desc().file.proto.to_binary())
    operations = FileDescriptorProto()
    operations_proto_pb2.DESCRIPTOR.CopyToProto(operations)
    return FileDescriptorSet(file=[rules, operations])


def _without_rules(contract: FileDescriptorSet) -> FileDescriptorSet:
    """The same contract without the import of the rules' definition; the rules stay as options."""
    lean = FileDescriptorSet(file=[file for file in contract.file if file.name != RULES])
    for file in lean.file:
        if RULES in file.dependency:
            file.dependency.remove(RULES)
    return lean


def generate(out: Path) -> None:
    """Write the stubs of every file of the contract under ``out``.

    Raises:
        SystemExit: The contract does not compile; protoc has said why on standard error.
    """
    with tempfile.TemporaryDirectory() as folder:
        contract = Path(folder, "contract.binpb")
        described = _without_rules(describe())
        contract.write_bytes(described.SerializeToString())
        given = f"--descriptor_set_in={contract}"
        _protoc(
            given,
            f"--python_out={out}",
            f"--plugin=protoc-gen-mypy={_plugin('protoc-gen-mypy')}",
            f"--mypy_out=quiet:{out}",
            *sources(),
        )
        _protoc(
            given,
            f"--grpc_python_out={out}",
            f"--plugin=protoc-gen-mypy_grpc={_plugin('protoc-gen-mypy_grpc')}",
            f"--mypy_grpc_out=quiet:{out}",
            *(file.name for file in described.file if file.service and file.name in sources()),
        )


def _plugin(name: str) -> Path:
    return Path(sysconfig.get_path("scripts"), name)


def _protoc(*arguments: str) -> None:
    if protoc.main(["protoc", *arguments]) != 0:
        raise SystemExit("The contract does not compile; see above.")


def stale(fresh: Path) -> list[str]:
    """Names of the stubs in the tree that are not those in ``fresh``, one-sided ones included."""
    trees = [
        {path.name: path.read_bytes() for path in (root / STUBS).glob("*_pb2*.py*")}
        for root in (fresh, ROOT)
    ]
    names = trees[0].keys() | trees[1].keys()
    return sorted(name for name in names if trees[0].get(name) != trees[1].get(name))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the Python stubs of the contract.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        names = stale(fresh)
        if check and names:
            raise SystemExit(
                f"Stale stubs in {STUBS}: {', '.join(names)}. Run python proto/generate.py."
            )
        for name in names:
            made, kept = fresh / STUBS / name, ROOT / STUBS / name
            if made.exists():
                kept.write_bytes(made.read_bytes())
            else:
                kept.unlink()


if __name__ == "__main__":
    main()
