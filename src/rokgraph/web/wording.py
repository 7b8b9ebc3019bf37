"""Numbers, amounts and dates as people write them, in English and in Korean.

Rule: a value in, its words out; nothing is rounded, and what cannot be read is shown as it is.
"""

import re
from decimal import Decimal, InvalidOperation

_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:Z|[+-]\d\d:\d\d)?")
# Korean counts by ten thousands: units, the largest first.
_KOREAN = ((10**12, "조"), (10**8, "억"), (10**4, "만"))
_BYTES = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
_ENGLISH = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"))


def grouped(value: object) -> str:
    """A number with its thousands apart."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    return f"{number:,f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:,f}"


def won(value: object, language: str) -> str:
    """An amount of Korean won in words: `KRW 1.02 trillion`, `1조 200억 원`."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if amount != amount.to_integral_value():
        return f"KRW {grouped(amount)}" if language == "en" else f"{grouped(amount)}원"
    if language == "en":
        for unit, word in _ENGLISH:
            if amount >= unit:
                return f"KRW {grouped(amount / unit)} {word}"
        return f"KRW {grouped(amount)}"
    parts, rest = [], int(amount)
    for unit, word in _KOREAN:
        count, rest = divmod(rest, unit)
        if count:
            parts.append(f"{count:,}{word}")
    if rest or not parts:
        parts.append(f"{rest:,}")
    return " ".join(parts) + " 원"


def size(value: int) -> str:
    """A number of bytes as people read it: `812 B`, `25.5 kB`, `4.1 MB`; kB is 1000 bytes."""
    for unit, word in _BYTES:
        if value >= unit:
            return f"{value / unit:.1f} {word}"
    return f"{value} B"


def day(value: object, language: str) -> str:
    """A date, a month or a year: `28 Sep 2022`, `2022. 9. 28.`; as it is if it is none."""
    found = _DATE.fullmatch(str(value))
    if found is None:
        return str(value)
    year, month, number = found.groups()
    if language == "ko":
        parts = [f"{int(part)}." for part in (month, number) if part]
        return f"{year}. " + " ".join(parts) if parts else f"{year}년"
    words = [str(int(number))] if number else []
    words += [_MONTHS[int(month) - 1]] if month else []
    return " ".join([*words, year])
