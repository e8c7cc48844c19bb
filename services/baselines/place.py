"""Where what a method learns, and learns from, lies.

ROOT/ann-3f2a.../yollava-s/CONCEPT.safetensors    what was learned
                 material/CONCEPT/about.json      captions, and whose memory the concept is in
                                  masks/VIEW.png
                                  negatives/000.png
                 jobs/JOB/job.json                what was asked for, and how far it is
                          ...                     checkpoints
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kith.errors import Refused
from memory_db.names import folder_name


@contextmanager
def writing() -> Iterator[None]:
    """For whatever writes there.

    Raises:
        Refused: It can't be written.
    """
    try:
        yield
    except OSError as error:
        raise Refused(
            f"artefacts: they can't be written ({error.strerror}); make room for them, or name "
            "another folder with KITH_ARTEFACTS",
            reason="ARTEFACTS_UNWRITABLE",
            field="artefacts",
        ) from error


class Place:
    """The folder of one user.

    Args:
        root: Folder of everybody's.
        user: A user name as credentials hold it.
    """

    def __init__(self, root: Path, user: str) -> None:
        self._folder = root / folder_name(user)

    @property
    def jobs(self) -> Path:
        """The folder of a folder a job."""
        return self._folder / "jobs"

    def job(self, job_id: str) -> Path:
        """The folder of a job."""
        return self.jobs / job_id

    def artefact(self, method: str, concept_id: str) -> Path:
        """The file of what a method has learned of a concept."""
        return self._folder / method / f"{concept_id}.safetensors"

    def material(self, concept_id: str) -> Path:
        """The folder of what came with a concept's photos."""
        return self._folder / "material" / concept_id

    def concepts(self) -> Iterator[str]:
        """The ids of the concepts of which there is material."""
        for folder in self._folder.glob("material/*"):
            yield folder.name

    def discard(self, concept_id: str) -> None:
        """Deletes all that was learned of a concept, by whatever method, and its material."""
        for file in self._folder.glob(f"*/{concept_id}.safetensors"):
            file.unlink()
        shutil.rmtree(self.material(concept_id), ignore_errors=True)
