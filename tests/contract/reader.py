"""The contract as data: every message, field and RPC with its comment and its rules."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

# Numbers of the lists in descriptor.proto, of which source locations are made.
FILE_MESSAGES, FILE_ENUMS, FILE_SERVICES = 4, 5, 6
MESSAGE_FIELDS, MESSAGE_MESSAGES, MESSAGE_ENUMS, MESSAGE_ONEOFS = 2, 3, 4, 8
ENUM_VALUES = SERVICE_METHODS = 2


@dataclass
class Contract:
    """The compiled contract, looked up by full names without the package."""

    compiled: FileDescriptorSet
    comments: dict[str, str] = field(default_factory=dict)
    messages: dict[str, DescriptorProto] = field(default_factory=dict)
    services: dict[str, ServiceDescriptorProto] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pool = DescriptorPool()
        self._stubs: dict[str, ModuleType] = {}
        for file in self.compiled.file:
            self._pool.AddSerializedFile(file.SerializeToString())
        options = self._pool.FindMessageTypeByName("google.protobuf.FieldOptions")
        self._options = GetMessageClass(options)
        for file in self.files:
            self._read(file)

    @property
    def files(self) -> list[FileDescriptorProto]:
        """The files that are ours."""
        return [file for file in self.compiled.file if file.package == "kith.v1"]

    def option(self, of: FieldDescriptorProto, extension: str) -> Message:
        """A field's option, such as ``buf.validate.field``; its default where it is not set."""
        options = self._options.FromString(of.options.SerializeToString())
        return options.Extensions[self._pool.FindExtensionByName(extension)]

    def make(self, message: str) -> Message:
        """An empty message of the stubs."""
        made: Message = getattr(self._stubs[message], message)()
        return made

    def is_output_only(self, of: FieldDescriptorProto) -> bool:
        return 3 in self.option(of, "google.api.field_behavior")

    def sent_fields(self) -> Iterator[tuple[str, FieldDescriptorProto]]:
        """Every field that a caller can set, by its full name."""
        services = self.services.values()
        todo = [method.input_type for service in services for method in service.method]
        seen: set[str] = set()
        while todo:
            name = todo.pop().removeprefix(".kith.v1.")
            if name in seen or name not in self.messages:
                continue
            seen.add(name)
            for sent in self.messages[name].field:
                if not self.is_output_only(sent):
                    yield f"{name}.{sent.name}", sent
                    todo.append(sent.type_name)

    def _read(self, file: FileDescriptorProto) -> None:
        located = {
            tuple(location.path): location.leading_comments.strip()
            for location in file.source_code_info.location
        }

        def enum(of: EnumDescriptorProto, name: str, path: tuple[int, ...]) -> None:
            self.comments[name] = located.get(path, "")
            for i, value in enumerate(of.value):
                self.comments[f"{name}.{value.name}"] = located.get((*path, ENUM_VALUES, i), "")

        def message(of: DescriptorProto, name: str, path: tuple[int, ...]) -> None:
            self.messages[name] = of
            self.comments[name] = located.get(path, "")
            synthetic = {f.oneof_index for f in of.field if f.proto3_optional}
            for i, member in enumerate(of.field):
                self.comments[f"{name}.{member.name}"] = located.get((*path, MESSAGE_FIELDS, i), "")
            for i, oneof in enumerate(of.oneof_decl):
                if i not in synthetic:
                    where = (*path, MESSAGE_ONEOFS, i)
                    self.comments[f"{name}.{oneof.name}"] = located.get(where, "")
            for i, nested in enumerate(of.nested_type):
                message(nested, f"{name}.{nested.name}", (*path, MESSAGE_MESSAGES, i))
            for i, nested_enum in enumerate(of.enum_type):
                enum(nested_enum, f"{name}.{nested_enum.name}", (*path, MESSAGE_ENUMS, i))

        stubs = importlib.import_module(file.name.replace("/", ".").replace(".proto", "_pb2"))
        for i, of_file in enumerate(file.message_type):
            self._stubs[of_file.name] = stubs
            message(of_file, of_file.name, (FILE_MESSAGES, i))
        for i, enum_of_file in enumerate(file.enum_type):
            enum(enum_of_file, enum_of_file.name, (FILE_ENUMS, i))
        for i, service in enumerate(file.service):
            self.services[service.name] = service
            self.comments[service.name] = located.get((FILE_SERVICES, i), "")
            for j, method in enumerate(service.method):
                self.comments[f"{service.name}.{method.name}"] = located.get(
                    (FILE_SERVICES, i, SERVICE_METHODS, j), ""
                )
