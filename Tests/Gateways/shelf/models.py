"""What is on the shelf."""
from django.db import models


class Tag(models.Model):
    name = models.CharField(max_length=20)

    def __str__(self):
        return self.name


class Book(models.Model):
    title = models.CharField(max_length=50)
    scan = models.FileField(blank=True, upload_to="scans")
    tags = models.ManyToManyField(Tag)

    def __str__(self):
        return self.title
