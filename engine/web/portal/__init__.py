"""The pages of portals: what people outside see and do. Nobody inside comes here, and nobody outside goes elsewhere:
sessions of a portal are no sessions of the inside, and its cookie is sent to these addresses only."""

from flask import Blueprint

from engine.web.portal import acting, door, files, screens

blueprint = Blueprint("portal", __name__, url_prefix="/portal/<portal_name>")
for room in (door, screens, acting, files):
    room.add_to(blueprint)
blueprint.before_request(door.only_ours)
blueprint.after_request(door.protect)
