"""What the machine room shows of mailboxes: who looked when, what came, what was refused."""

from __future__ import annotations

import sqlalchemy as sa
from making import MakeApp
from visiting import sign_in_as

TEXT = """
    app: club
    label: Club
    languages: [en]
    roles: {clerk: {label: Clerk}}
    connections: {inbox: {type: imap, label: The desk, host: imap.example.com, user: a, password: {secret: BOX}}}
    forms: {ticket: {label: Ticket, fields: {name: {type: text}}}}
"""
RULES = """
  take_in:
    label: Take in
    trigger: {type: mail, connection: inbox}
    actions: [{type: create, form: ticket, values: {name: mail.subject}}]
"""
