"""How a changed definition comes into force: draft, check, plan, publish, history, and back.

    preparing.py   prepare(app, text, decisions, base=) -> Prepared; prepare_rollback(app, hash)     # changes nothing
    publish.py     publish(app, prepared, by=, reason=, change_id=, told=) -> Application            # one transaction
    history.py     versions(conn, tables, limit) -> [Version]; text_of(conn, hash)
    file.py        the definition file follows; which of file and database leads at a start
"""
