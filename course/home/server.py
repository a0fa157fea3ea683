"""What the course home asks of the server: how things stand, and a working copy to open.

An extension of Jupyter's server, which the course's own configuration switches on.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado.web import authenticated

from course.catalogue import home_data
from course.errors import CourseError
from course.labs import find_lab
from course.workspace import prepare_workspace, working_copy


class CourseHandler(APIHandler):
    """A request of the course home, about the clone at the root of the server."""

    auth_resource = "contents"

    @property
    def repository(self) -> Path:
        """Root of the clone."""
        return Path(self.serverapp.root_dir)

    def refuse(self, sentence: str) -> None:
        """Answer with a sentence for the learner, in the form that JupyterLab shows."""
        self.set_status(409)
        self.finish(json.dumps({"message": sentence}))


class HomeHandler(CourseHandler):
    """``GET course/home``: the modules, the progress and what is next."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Answer with what `course.catalogue.home_data` returns."""
        try:
            data = await asyncio.to_thread(home_data, self.repository)
        except CourseError as error:
            self.refuse(str(error))
            return
        self.finish(json.dumps(data))


class CopyHandler(CourseHandler):
    """``POST course/copy``: where a lab's working copy is, made anew if it is gone."""

    @authenticated
    @authorized
    async def post(self) -> None:
        """Answer with the path of the working copy of ``{"lab": name}``."""
        body = self.get_json_body()
        named = body.get("lab") if isinstance(body, dict) else None
        if not isinstance(named, str):
            self.refuse('Expected the name of a lab, as {"lab": "module/lab"}.')
            return
        try:
            path = await asyncio.to_thread(_ready_copy, named, self.repository)
        except CourseError as error:
            self.refuse(str(error))
            return
        self.finish(json.dumps({"path": path.relative_to(self.repository).as_posix()}))


def _ready_copy(named: str, repository: Path) -> Path:
    lab = find_lab(named, repository)
    copy = working_copy(lab, repository)
    if not copy.is_file():
        prepare_workspace(repository)
    return copy


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Name the modules of this extension; part of Jupyter's protocol."""
    return [{"module": __name__}]


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    """Add the handlers; part of Jupyter's protocol."""
    base = serverapp.web_app.settings["base_url"]
    serverapp.web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base, "course", "home"), HomeHandler),
            (url_path_join(base, "course", "copy"), CopyHandler),
        ],
    )
