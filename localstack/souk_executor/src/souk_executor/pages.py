"""What functions log, in a file each, besides LocalStack's own log service, which forgets and dies with LocalStack."""

import logging
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path

LARGEST_FILE = 5 * 1024 * 1024


class Pages:
    """Files in one folder, by function; each is moved aside once, to `.log.1`, when it has grown large."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, RotatingFileHandler] = {}
        self._lock = threading.Lock()

    def add(self, function: str, page: str) -> None:
        """Write what one invocation logged."""
        with self._lock:
            if function not in self._files:
                self._files[function] = self._open(function)
        self._files[function].handle(logging.makeLogRecord({"msg": page}))

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()

    def _open(self, function: str) -> RotatingFileHandler:
        path = self._folder / f"{function}.log"
        file = RotatingFileHandler(path, maxBytes=LARGEST_FILE, backupCount=1, encoding="utf-8", errors="replace")
        file.terminator = ""
        return file
