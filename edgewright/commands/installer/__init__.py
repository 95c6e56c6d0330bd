"""Verbs about installers: answer files, the wizard, the Installers screen."""
