"""The mini program kit: a whole mini program for this portal, rendered into a folder for a wallet's IDE.

``templates/miniprogram/`` holds what does not change: pages, the adapter around ``my.*``, what binds, asks and tells.
From the code come the client of the API (``client``, from the OpenAPI document), the words of the pages (``words``) and
the sentence for every code the API may give (``errors``), each in English and Simplified Chinese. The same portal and
accounts make the same bytes.

Decision: plain JavaScript with its types in comments, checked by TypeScript, and not TypeScript itself. A mini
program's IDE takes ``.js`` as it is, so what is checked and tried in our tests is what runs in the phone. Which edition
of the language the containers of all wallets run is not documented; we choose ECMAScript 2018 with modules, which
their IDE's compiler takes, and no package of npm.
"""
