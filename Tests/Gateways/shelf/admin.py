"""Books in Django's admin, as it is."""
from django.contrib import admin

from .models import Book, Tag

admin.site.register([Book, Tag])
