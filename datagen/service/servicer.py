"""`kith.v1.Datagen`, and the operations that it returns; each part of the contract has its file."""

from datagen.service.books import Books
from datagen.service.dataset_calls import DatasetCalls
from datagen.service.material import Material
from datagen.service.material_calls import MaterialCalls
from kith.v1 import datagen_pb2, datagen_pb2_grpc
from services.runtime.job_book import FolderJobs
from services.runtime.operations import operations_of
from services.runtime.server import Service
from services.runtime.worker import ModelWorker


class DatagenServicer(DatasetCalls, MaterialCalls, datagen_pb2_grpc.DatagenServicer):
    """All calls of the contract, by the part of it that they are about."""

    def __init__(self, books: Books, material: Material, unpacking: ModelWorker) -> None:
        self.books = books
        self.material = material
        self.unpacking = unpacking


DATAGEN = datagen_pb2.DESCRIPTOR.services_by_name["Datagen"]


def services(books: Books, material: Material, unpacking: ModelWorker) -> list[Service]:
    """Both, ready to be served."""
    return [
        Service(
            DATAGEN,
            datagen_pb2_grpc.add_DatagenServicer_to_server,
            DatagenServicer(books, material, unpacking),
        ),
        operations_of(FolderJobs(books.workshop, books.place, books.operation)),
    ]
