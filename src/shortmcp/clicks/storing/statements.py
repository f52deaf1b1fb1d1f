"""The columns of clicks and counts, and what is done where a count is there already."""

CLICK_COLUMNS = (
    "link_id, clicked_at, is_bot, is_first, visitor, referrer, country, language, device, os, browser, "
    "utm_source, utm_medium, utm_campaign, utm_term, utm_content"
)
VISITOR_COLUMNS = "link_id, day, visitor"
# By table: the columns, and how a row that is there already grows.
COUNTS = {
    "link_totals": (
        "link_id, total, uniques, bots",
        (
            "(link_id) DO UPDATE SET total = link_totals.total + excluded.total, "
            "uniques = link_totals.uniques + excluded.uniques, bots = link_totals.bots + excluded.bots"
        ),
    ),
    "link_days": (
        "link_id, day, total, uniques, bots",
        (
            "(link_id, day) DO UPDATE SET total = link_days.total + excluded.total, "
            "uniques = link_days.uniques + excluded.uniques, bots = link_days.bots + excluded.bots"
        ),
    ),
    "link_quarters": (
        "link_id, quarter, total, firsts, bots",
        (
            "(link_id, quarter) DO UPDATE SET total = link_quarters.total + excluded.total, "
            "firsts = link_quarters.firsts + excluded.firsts, bots = link_quarters.bots + excluded.bots"
        ),
    ),
    "link_values": (
        "link_id, day, dimension, value, total",
        "(link_id, day, dimension, value) DO UPDATE SET total = link_values.total + excluded.total",
    ),
}
