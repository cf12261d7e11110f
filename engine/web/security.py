"""What every request and every answer goes through: host, origin, token, headers, one log line.

Forgery is refused twice over: by what browsers say about where a request comes from (Sec-Fetch-Site, Origin), and by a
token bound to the session, for browsers that say nothing. Requests with a Bearer token carry no cookie and need
neither.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from urllib.parse import urlsplit

from flask import Response, g, request

from engine import causes
from engine.errors import Denied, Invalid, message
from engine.logs import one_line
from engine.storage.watching import watch
from engine.web.context import Settings, api_wanted, settings

log = logging.getLogger("appmill.request")

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
SECURE_HEADERS = HEADERS | {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


# --- forgery


def csrf_token_for(session_id: str) -> str:
    """A token that only the holder of the session can know, and from which the session cannot be known."""
    return hmac.new(session_id.encode(), b"appmill csrf", hashlib.sha256).hexdigest()[:43]


def foreign_origin(fetch_site: str | None, origin: str | None, host: str, scheme: str) -> bool:
    """Whether a browser says that another site sent this request. ``same-site`` is another host: foreign too."""
    if fetch_site is not None and fetch_site not in ("same-origin", "none"):
        return True
    if origin is None:
        return False
    parts = urlsplit(origin)
    return (parts.scheme, parts.netloc) != (scheme, host)


def refuse_forgery() -> None:
    """Raise Denied for an unsafe request that this site's own pages did not send."""
    if request.method in SAFE or g.bearer:
        return
    if api_wanted() and g.actor is None:
        return  # nobody acts, so there is nothing to forge: the sign-in station says 401
    headers = request.headers
    if foreign_origin(headers.get("Sec-Fetch-Site"), headers.get("Origin"), request.host, request.scheme):
        raise Denied(message("This request came from another site and was not carried out."))
    given = headers.get("X-CSRF-Token") or (request.form.get("csrf_token", "") if _form_post() else "")
    if not g.csrf_token or not hmac.compare_digest(given.encode(), g.csrf_token.encode()):
        raise Denied(message("This page is out of date. Reload it and try again."))


def _form_post() -> bool:
    return request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data")


# --- host


def refuse_foreign_host() -> None:
    """Raise Invalid when the Host header is none of the configured ones."""
    allowed = settings().hosts
    if allowed and request.host.rsplit(":", 1)[0].lower() not in allowed and request.host.lower() not in allowed:
        raise Invalid(message("This server does not serve the host {host}.", host=request.host[:200]))


# --- answers


def protect(response: Response) -> Response:
    """Headers of every answer. A view that must differ (a file, a printed page) sets its own before."""
    headers = response.headers
    present = {name.lower() for name, _value in headers}
    usual = SECURE_HEADERS if settings().secure else HEADERS
    headers.extend([(name, value) for name, value in usual.items() if name.lower() not in present])
    if response.mimetype == "text/html":
        response.vary.add("HX-Request")
    headers["X-Request-Id"] = g.get("request_id", "-")
    return response


def _is_silence(response: Response) -> bool:
    """A screen asked whether anything happened, and nothing did: every few seconds, of every screen."""
    return request.endpoint == "live.pulse" and response.status_code == 204


def log_request(response: Response) -> Response:
    """One line per request. The route's pattern, never its query: searches and tokens stay out of logs."""
    g.status = response.status_code
    if "application" in g and not _is_silence(response):
        level = logging.WARNING if g.status >= 500 else logging.INFO
        if log.isEnabledFor(level):
            actor, route = g.get("actor"), route_here()
            more = {"method": request.method[:10], "route": route, "status": g.status, "ms": _milliseconds(),
                    "queries": watch.count, "user": actor.id if actor else None}  # fmt: skip
            log.log(level, "%s %s %s", more["method"], route, g.status, extra=more)
    return response


def route_here() -> str:
    """The pattern of the address; of one that leads nowhere what was asked for."""
    return request.url_rule.rule if request.url_rule else one_line(request.path[:200])


def _milliseconds() -> float:
    return round((time.perf_counter() - float(g.started)) * 1000, 1)


def measure_request(_error: BaseException | None = None) -> None:
    """The request is over: tell whoever counts. Addresses that lead nowhere count as one."""
    application = g.get("application")
    if application is not None and "started" in g:  # a page that is drawn without a request never started
        rule, seconds = request.url_rule, time.perf_counter() - g.started
        meter = application.database.meter
        meter.answered(rule.rule if rule else "(nothing)", g.get("status", 500), seconds, g.request_id, watch.slow)
    causes.begin()


def cookie_name(options: Settings, portal: str = "") -> str:
    """``__Host-`` binds the cookie to this host and to https; plain http cannot have it. That of a portal is sent
    to the pages of the portal only, so it cannot have it either."""
    if portal:
        return "__Secure-appmill-portal" if options.secure else "appmill_portal"
    return "__Host-appmill" if options.secure else "appmill"
