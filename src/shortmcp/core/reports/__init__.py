"""Reports: a project's clicks of a week or a month, by mail, to people who have said that they want them."""
