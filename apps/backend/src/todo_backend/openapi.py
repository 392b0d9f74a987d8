"""`python -m todo_backend.openapi`: print the OpenAPI document; needs no settings."""

import json
import sys

from todo_backend.api import make_api

if __name__ == "__main__":
    json.dump(make_api().openapi(), sys.stdout, indent=1, ensure_ascii=False)
    print()
