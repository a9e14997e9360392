"""The form in which a person says what to be told by e-mail."""

from typing import TYPE_CHECKING

from django import forms

from portal.models import NewsWish
from portal.words import lazy

if TYPE_CHECKING:
    _Form = forms.ModelForm[NewsWish]
else:
    _Form = forms.ModelForm


class NewsForm(_Form):
    """Kinds, and the hour of the daily mail."""

    hour = forms.TypedChoiceField(
        label=lazy("Hour of the daily mail"),
        coerce=int,
        choices=[(hour, f"{hour:02d}:00") for hour in range(24)],
        help_text=lazy("In the desk’s zone. On a day with nothing new, no mail is sent."),
    )

    class Meta:
        model = NewsWish
        fields = ("incidents", "approvals", "hour")
        labels = {"incidents": lazy("Incidents"), "approvals": lazy("Requests that need your approval")}
