"""Images on their way from the engine to the nodes."""

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from pathlib import Path

from headgate.cli.kind import images
from headgate.cli.kind.cluster import find_nodes
from headgate.cli.kind.commands import Commands
from headgate.cli.kind.images import Image
from headgate.cli.kind.steps import Steps


class Delivery:
    """Brings images to the nodes in batches: one is written while another is loaded.

    Writing can start before there is a cluster; that is why it is apart from loading.
    """

    def __init__(
        self,
        commands: Commands,
        cluster: str,
        batches: Sequence[Sequence[Image]],
        folder: Path,
        steps: Steps,
        *,
        platform: str = "",
    ) -> None:
        """Prepare a delivery; nothing starts yet.

        Args:
            commands: Starts docker and kind.
            cluster: Name of the cluster.
            batches: Images, in the order in which they are needed; none may be empty.
            folder: Takes an archive a batch; each is gone once it is loaded.
            steps: Where progress goes.
            platform: Which of an image's platforms; see `images.save`.
        """
        self._commands = commands
        self._cluster = cluster
        self._waiting = list(batches)
        self._folder = folder
        self._steps = steps
        self._platform = platform
        self._saved: list[Future[Path]] = []
        self._loaded = 0
        self._batches = len(batches)

    def start(self, writer: Executor) -> None:
        """Start to write the archives.

        Args:
            writer: Runs the writing, one batch after the other: it has one thread.
        """
        for number, batch in enumerate(self._waiting, start=1):
            self._saved.append(writer.submit(self._save, number, batch))

    def bring_next(self) -> set[str]:
        """Load the next batch, if one is left.

        Returns:
            The images that are still to come.

        Raises:
            BackendError: Docker or kind failed.
        """
        if self._waiting:
            archive = self._saved[self._loaded].result()
            batch = self._waiting.pop(0)
            self._loaded += 1
            with self._steps.part(self._words("load", self._loaded)) as step:
                images.load(self._commands, self._cluster, archive)
                for node in find_nodes(self._commands, self._cluster):
                    images.remember(self._commands, node.name, batch)
                step.note = ", ".join(images.short_name(image.name) for image in batch)
            archive.unlink()
        return {image.name for batch in self._waiting for image in batch}

    def _save(self, number: int, batch: Sequence[Image]) -> Path:
        archive = self._folder / f"{number}.tar"
        with self._steps.part(self._words("save", number)) as step:
            names = [image.name for image in batch]
            images.save(self._commands, names, archive, platform=self._platform)
            step.note = f"{archive.stat().st_size / 1e6:,.0f} MB"
        return archive

    def _words(self, verb: str, number: int) -> str:
        return f"{verb} images, {number} of {self._batches}"
