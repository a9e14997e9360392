"""Which language a person reads."""

from django.conf import settings
from django.db import models


class Tongue(models.Model):
    """What one person chose. Somebody without a row reads what their browser asks for."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tongue")
    language = models.CharField(max_length=12)
    """A code of ``settings.LANGUAGES``; what is no such code any more counts as never said."""

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.person} reads {self.language}"
