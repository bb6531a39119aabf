"""More than one pretended kind of accelerator in one agent; its last lines are written by accelerators.py."""

from ai.backend.accelerator.mock import plugin
from ai.backend.common import config


class _OtherFile:
    """The module `config`, but one file for another."""

    def __init__(self, file):
        self._file = file

    def read_from_file(self, path, name):
        return config.read_from_file(path, self._file)


def another(name, file):
    """A plugin class that reads its devices from `file`."""

    async def init(self, context=None):
        plugin.config = _OtherFile(file)
        try:
            await plugin.MockPlugin.init(self, context)
        finally:
            plugin.config = config

    return type(name, (plugin.MockPlugin,), {"slot_types": [], "exclusive_slot_types": set(), "init": init})
