"""The door of 金蝶云·星空: services under /k3cloud/, with signed headers on every call or a session from a login. Everything
is HTTP 200; a query's errors come as ``[[{"Result": …}]]``, where a careless reader sees one row."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from contracts.vendor import Asked, Said, Vendor, said

FORM_SERVICE = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService."
AUTH_SERVICE = "Kingdee.BOS.WebApi.ServicesStub.AuthService."
CENTERS = "Kingdee.BOS.ServiceFacade.ServicesStub.Account.AccountService.GetDataCenterList"
PATH, END = "/k3cloud/", ".common.kdsvc"
TOLERANCE = dt.timedelta(minutes=5)
MASK = b"0054f397c6234378b09ca7d3e5debce7"  # 0054s397p6234378o09pn7q3r5qropr7 with its letters turned by 13
LOST = "会话信息已丢失，请重新登录"
SIGNED = ("x-api-clientid", "x-api-auth-version", "x-api-timestamp", "x-api-nonce", "x-api-signheaders", "x-api-signature",
          "x-kd-appkey", "x-kd-appdata", "x-kd-signature")  # fmt: skip


def hexed(key: str, text: str) -> str:
    """base64 of the hexadecimal HMAC-SHA256, as both signatures are written."""
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def client_secret(second: str) -> str:
    """What the second part of an app id (32 characters of base64) hides."""
    return base64.b64encode(bytes(a ^ b for a, b in zip(base64.b64decode(second), MASK, strict=False))).decode()


def api_signature(app_id: str, path: str, timestamp: str, nonce: str) -> str:
    text = f"POST\n{quote(path, safe='')}\n\nx-api-nonce:{nonce}\nx-api-timestamp:{timestamp}\n"
    return hexed(client_secret(app_id.split("_")[1]), text)


def login_signature(acct: str, user: str, app_id: str, app_secret: str, timestamp: str) -> str:
    """The five in the order of their text, joined, SHA-256."""
    return hashlib.sha256("".join(sorted([acct, user, app_id, app_secret, timestamp])).encode()).hexdigest()


class Refused(Exception):
    """One or more errors of a service: ``(field, sentence, place)``."""

    def __init__(self, *errors: tuple[str, str, int], msg_code: int = 0) -> None:
        super().__init__("；".join(error[1] for error in errors))
        self.errors, self.msg_code = errors, msg_code


class KingdeeDoor(Vendor):
    """Who may ask, and how refusals look. A session ends ``session_life`` after its last call; ``services`` are what is
    behind the door, by name."""

    own_mishaps = ("duplicate_page", "missing_page", "expired_token", "clock_skew", "error_inside")
    services: Mapping[str, Callable[[Any, Any, Asked], Any]] = {}

    def __init__(self, clock: Callable[[], dt.datetime] | None = None, *, acct: str = "5ec2e0c5c9d8f1",
                 user: str = "接口用户", password: str = "kd-password", app_id: str = "214293_MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1u",
                 app_secret: str = "the-app-secret-0123456789abcdef", lcid: int = 2052, org: int = 100,
                 session_life: dt.timedelta = dt.timedelta(minutes=20)) -> None:  # fmt: skip
        super().__init__(clock)
        self.acct, self.user, self.password, self.app_id, self.app_secret = acct, user, password, app_id, app_secret
        self.lcid, self.org, self.session_life = lcid, org, session_life
        self.sessions: dict[str, dt.datetime] = {}
        self.ids = itertools.count(100_001)

    def answer(self, asked: Asked) -> Said:
        if asked.method != "POST" or not (asked.path.startswith(PATH) and asked.path.endswith(END)):
            self.refused.append(f"no such path: {asked.method} {asked.path}")
            return Said(404, b"Not Found")
        service = asked.path[len(PATH) : -len(END)]
        if not isinstance(asked.json, dict):
            return self._plain_error("请求正文不是 JSON 对象")
        if service == CENTERS:
            return said([{"Id": self.acct, "Number": "001", "Name": "正式账套"}])
        if service.startswith(AUTH_SERVICE):
            return self._login(service.removeprefix(AUTH_SERVICE), asked)
        name = service.removeprefix(FORM_SERVICE)
        if not service.startswith(FORM_SERVICE) or name not in self.services:
            return self._plain_error(f"服务 {service} 不存在")
        session, wrong = self._enter(asked)
        if wrong:
            return self._plain_error(wrong)
        return self._serve(name, asked, session)

    def _serve(self, name: str, asked: Asked, session: str) -> Said:
        try:
            if not session:
                raise Refused(("", LOST, 0), msg_code=1)
            self.asked.append(asked)
            if self.strikes("error_inside", asked):
                raise Refused(("", "数据库连接超时，请稍后重试", 0), msg_code=9)
            result: Any = self.services[name](self, asked.json, asked)
        except Refused as refused:
            if refused.msg_code not in (1, 9):
                self.refused.append(str(refused))
            status = {"Result": {"ResponseStatus": _status(refused.errors, refused.msg_code)}}
            result = [[status]] if name == "ExecuteBillQuery" else status
        cookie = {"Set_Cookie": f"kdservice-sessionid={session}; path=/; HttpOnly"} if session else {}
        return said(result, **cookie)

    def _plain_error(self, text: str) -> Said:
        """What never reaches a service is plain text after ``response_error:``."""
        self.refused.append(text)
        return Said(200, f"response_error:{text}".encode(), {"Content-Type": "text/html; charset=utf-8"})

    # who asks

    def _enter(self, asked: Asked) -> tuple[str, str]:
        """The session, and what is wrong with the signature. A session that is over is never made good by a signature:
        the server looks at it first."""
        if self.strikes("expired_token", asked):
            self.sessions.clear()
        given = _session(asked)
        if given:
            return (self._touch(given), "")
        if "x-api-signature" not in asked.headers:
            return "", ""
        wrong = self._signature(asked)
        return ("", wrong) if wrong else (self._open(), "")

    def _touch(self, session: str) -> str:
        if self.sessions.get(session, dt.datetime.min.replace(tzinfo=dt.UTC)) <= self.clock():
            self.sessions.pop(session, None)
            return ""
        self.sessions[session] = self.clock() + self.session_life
        return session

    def _open(self) -> str:
        session = f"kd-session-{next(self.ids)}"
        self.sessions[session] = self.clock() + self.session_life
        return session

    def _signature(self, asked: Asked) -> str:
        """What is wrong with the signed headers; empty when nothing is."""
        head = {name: asked.headers.get(name, "") for name in SIGNED}
        data = f"{self.acct},{self.user},{self.lcid},{self.org}"
        wanted = {
            "x-api-clientid": self.app_id.split("_")[0],
            "x-api-auth-version": "2.0",
            "x-api-signheaders": "x-api-timestamp,x-api-nonce",
            "x-kd-appkey": self.app_id,
            "x-kd-appdata": base64.b64encode(data.encode()).decode(),
            "x-kd-signature": hexed(self.app_secret, self.app_id + data),
            "x-api-signature": api_signature(self.app_id, asked.path, head["x-api-timestamp"], head["x-api-nonce"]),
        }
        if not head["x-api-nonce"] or self._stale(asked, head["x-api-timestamp"]):
            return "x-api-timestamp 或 x-api-nonce 无效"
        return next((f"{name} 验证失败" for name, value in wanted.items() if head[name] != value), "")

    def _stale(self, asked: Asked, seconds: str) -> bool:
        off = dt.timedelta(minutes=15) if self.strikes("clock_skew", asked) else dt.timedelta()
        if not seconds.isdecimal() or len(seconds) > 11:
            return True
        return abs(self.clock() + off - dt.datetime.fromtimestamp(int(seconds), dt.UTC)) > TOLERANCE

    def _login(self, name: str, asked: Asked) -> Said:
        given = asked.json.get("parameters")
        if not isinstance(given, list) or not self._knows(name, [str(one) for one in given], asked):
            self.refused.append(f"{name} refused")
            return said({"LoginResultType": 0, "Message": "用户名、密码或签名错误", "KDSVCSessionId": None})
        self.asked.append(asked)
        session = self._open()
        return said({"LoginResultType": 1, "Message": None, "KDSVCSessionId": session,
                     "Context": {"SessionId": session, "UserName": self.user, "UserLocale": "zh-CN"}},
                    Set_Cookie=f"kdservice-sessionid={session}; path=/; HttpOnly")  # fmt: skip

    def _knows(self, name: str, given: list[str], asked: Asked) -> bool:
        who, tongue = [self.acct, self.user], str(self.lcid)
        if name == "ValidateUser":
            return given == [*who, self.password, tongue]
        if name == "LoginByAppSecret":
            return given == [*who, self.app_id, self.app_secret, tongue]
        if name != "LoginBySign" or len(given) != 6 or self._stale(asked, given[3]):
            return False
        sign = login_signature(self.acct, self.user, self.app_id, self.app_secret, given[3])
        return given == [*who, self.app_id, given[3], sign, tongue]


def _session(asked: Asked) -> str:
    for part in asked.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "kdservice-sessionid":
            return value
    return asked.headers.get("kdservice-sessionid", "")


def _status(errors: Sequence[tuple[str, str, int]], msg_code: int) -> dict[str, Any]:
    return {"IsSuccess": False, "ErrorCode": 500, "MsgCode": msg_code, "SuccessEntitys": [], "SuccessMessages": [],
            "Errors": [{"FieldName": field, "Message": text, "DIndex": place} for field, text, place in errors]}  # fmt: skip
