"""Operations on calendars: what is worked in a week, and days that differ."""

from designer.calendars import days

__all__ = ["days"]
