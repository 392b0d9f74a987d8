"""A list of tasks by Django, with nothing switched on that it does not need. PG* variables name the
database.
"""

from __future__ import annotations

import hashlib
import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils import timezone

settings.configure(
    ALLOWED_HOSTS=["localhost"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PGDATABASE"],
            "CONN_MAX_AGE": None,
        }
    },
    ROOT_URLCONF=__name__,
    USE_TZ=True,
)
django.setup()

from django.contrib.postgres.fields import ArrayField  # noqa: E402 - after the settings
from django.db import models  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402


class User(models.Model):  # type: ignore[misc] # Django has no types
    id = models.TextField(primary_key=True)
    email = models.TextField()
    name = models.TextField(null=True)

    class Meta:
        app_label = "todo"
        db_table = "users"


class Session(models.Model):  # type: ignore[misc]
    user = models.ForeignKey(User, models.CASCADE)
    token_hash = models.BinaryField()
    expires_at = models.DateTimeField()

    class Meta:
        app_label = "todo"
        db_table = "sessions"


class Task(models.Model):  # type: ignore[misc]
    user = models.ForeignKey(User, models.CASCADE)
    title = models.TextField()
    description = models.TextField(null=True)
    completed = models.BooleanField()
    priority = models.TextField()
    due_at = models.DateTimeField(null=True)
    tags = ArrayField(models.TextField())
    recurrence = models.TextField()
    time_zone = models.TextField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        app_label = "todo"
        db_table = "tasks"


COLUMNS = (
    *("id", "user_id", "title", "description", "completed", "priority", "due_at", "tags"),
    *("recurrence", "time_zone", "created_at", "updated_at"),
)
TIMES = ("due_at", "created_at", "updated_at")


def list_tasks(request: HttpRequest, user_id: str) -> HttpResponse:
    digest = hashlib.sha256(request.COOKIES["todo_session"].encode()).digest()
    session = (
        Session.objects.select_related("user")
        .filter(token_hash=digest, expires_at__gt=timezone.now())
        .first()
    )
    if session is None:
        return HttpResponse(status=401)
    if session.user_id != user_id:
        return HttpResponse(status=404)
    limit = int(request.GET.get("limit", "50"))
    tasks = Task.objects.filter(user_id=user_id)
    status = request.GET.get("status", "all")
    if status != "all":
        tasks = tasks.filter(completed=status == "completed")
    # Dictionaries instead of objects: the quicker of Django's two ways.
    rows = list(tasks.order_by("-id").values(*COLUMNS)[: limit + 1])
    more = len(rows) > limit
    for row in rows:
        for name in TIMES:
            if row[name] is not None:
                row[name] = row[name].isoformat().replace("+00:00", "Z")
    cursor = str(rows[limit - 1]["id"]) if more else None
    return JsonResponse({"items": rows[:limit], "next_cursor": cursor})


def ready(_: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("api/<str:user_id>/tasks", list_tasks), path("readyz", ready)]
application = get_wsgi_application()
