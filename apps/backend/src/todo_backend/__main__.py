"""`python -m todo_backend`: the server."""

from todo_core.observe.logs import configure_logging
from todo_core.serve import serve
from todo_core.settings import load

from todo_backend.app import create_app
from todo_backend.settings import BackendSettings

if __name__ == "__main__":
    settings = load(BackendSettings)
    configure_logging(settings.log_level, service="backend")
    serve(create_app(settings), settings)
