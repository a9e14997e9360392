"""``python -m tests.words``: bring the catalogues in line with the code, and say what is left to translate.

Sentences that are new stand in the ``.po`` with an empty translation; those nobody says any more are taken out. What
a person then fills in is compiled by running it once more. Needs no GNU gettext.
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from tests.words import catalogue, finding  # noqa: E402 - Django is ready only now

HEADER = (
    "Language: zh-Hans\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: 8bit\nPlural-Forms: nplurals=1; plural=0;\n"
)


def main() -> int:
    """Write every catalogue anew; how many sentences have no translation."""
    left = 0
    for app in finding.APPS:
        file = catalogue.file_of(finding.ROOT, app)
        held = catalogue.read(file) if file.exists() else catalogue.Catalogue("", HEADER, ())
        said = {entry.key: entry.translation for entry in held.entries}
        wanted = {sentence.key: sentence for sentence in finding.everything(app) if sentence.mark}
        entries = tuple(
            catalogue.Entry(sentence.text, said.get(key, ""), key[0], sentence.many) for key, sentence in wanted.items()
        )
        new = catalogue.Catalogue(held.head, held.header, entries)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(catalogue.written(new))
        file.with_suffix(".mo").write_bytes(catalogue.compiled(catalogue.read(file)))
        for entry in entries:
            if not entry.translation:
                left += 1
                sys.stdout.write(f"{app}: {wanted[entry.key].where}: {entry.text}\n")
    return left


if __name__ == "__main__":
    sys.exit(min(main(), 1))
