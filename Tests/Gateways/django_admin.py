"""Django's admin with the application `shelf`, as a WSGI application: user `anna`, password `secret`, five tags.

SHELF says in which folder its database and its files are.
"""
import os

import django
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import path

FOLDER = os.environ["SHELF"]
TAGS = ("red", "green", "blue", "old", "new")

settings.configure(
    SECRET_KEY="for a test", ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, STATIC_URL="static/", USE_TZ=True,
    DEBUG=True,  # so that it serves its own style sheets
    MEDIA_ROOT=os.path.join(FOLDER, "media"), DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(FOLDER, "shelf.sqlite")}},
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
                    "django.contrib.messages", "django.contrib.staticfiles", "shelf"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages"]}}])
django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from shelf.models import Tag  # noqa: E402

urlpatterns = [path("admin/", admin.site.urls)]
call_command("migrate", run_syncdb=True, verbosity=0)
User.objects.create_superuser("anna", password="secret")
Tag.objects.bulk_create(Tag(name=name) for name in TAGS)
app = StaticFilesHandler(get_wsgi_application())
