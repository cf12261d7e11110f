"""People who buy: Chinese and other names and addresses, with what trips programs that read them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Buyer:
    """``province`` as the vendor writes it, ``code`` the subdivision of ISO 3166-2 without its country."""

    first: str
    last: str
    phone: str
    email: str
    country: str
    province: str
    code: str
    city: str
    district: str
    street: str
    zip: str
    company: str = ""

    @property
    def name(self) -> str:
        return self.last + self.first if self.country == "CN" else f"{self.first} {self.last}"


BUYERS = (
    Buyer("敏", "王", "+86 138 0013 8000", "wang.min@example.com", "CN", "广东省", "GD", "深圳市", "南山区", "科技园科苑路15号3栋502室", "518057"),
    Buyer("小龙", "李", "+86 139 1234 5678", "lixl@example.cn", "CN", "新疆维吾尔自治区", "XJ", "乌鲁木齐市", "天山区", "解放北路88号", "830002"),
    Buyer("建国", "欧阳", "010-65881234", "ouyang@example.com", "CN", "北京市", "BJ", "北京市", "朝阳区", "建国路93号院A座1204", "100022", "万达商贸有限公司"),
    Buyer("Emma", "O'Neill", "+1 415-555-0132", "emma.oneill@example.com", "US", "California", "CA", "San Francisco", "", "548 Market St, Apt #12-B", "94104-5401"),
    Buyer("José", "García-López", "+34 612 34 56 78", "jose@example.es", "ES", "Madrid", "M", "Madrid", "Chamberí", "Calle de Ponzano 14, 3º izq.", "28010"),
    Buyer("Zoë", "Müller", "+49 30 901820", "zoe.mueller@example.de", "DE", "Berlin", "BE", "Berlin", "Mitte", "Straße des 17. Juni 135", "10623", "Müller & Söhne GmbH"),
    Buyer("Priya", "Sharma", "+44 20 7946 0958", "priya@example.co.uk", "GB", "England", "ENG", "London", "Camden", "221B Baker Street", "NW1 6XE"),
    Buyer("志明", "陳", "+852 2123 4567", "chan@example.hk", "HK", "Kowloon", "KL", "九龍", "油尖旺區", "彌敦道 688 號旺角中心 1 座 9 樓", ""),
)
NOTES = ("", "", "", "请尽快发货，谢谢", "Please leave with the porter", "工作日送货；电话联系\n不要放快递柜", 'He said "fragile", really <careful>')
GIFTS = ("", "", "", "", "生日快乐！爱你的妈妈", "Happy birthday, Ben 🎂")
