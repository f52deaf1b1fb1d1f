"""Programs that fetch links though nobody clicked."""

import re

# Fetchers of link previews: chats and networks that show a card for a link. LINE and KakaoTalk are named by their
# fetchers alone, because their in-app browsers carry the bare names and have people behind them.
_PREVIEWS = (
    "slackbot|slack-imgproxy|telegrambot|facebookexternalhit|facebookcatalog|facebot|meta-externalfetcher|"
    "twitterbot|linkedinbot|discordbot|skypeuripreview|microsoftpreview|bingpreview|snap url preview|"
    "embedly|iframely|cardyb|mastodon/|pleroma|akkoma|misskey|lemmy|synapse/|pinterestbot|pinterest/0\\.|redditbot|"
    "vkshare|line-poker|kakaotalk-scrap|zoombot|notionembedder|flipboardproxy|"
    "google-pagerenderer|googleimageproxy"
)

# Programs that name themselves first; further on the same words stand in real browsers.
_LIBRARIES = (
    "curl|wget|python|httpx|aiohttp|urllib|go-http-client|okhttp|axios|node|undici|got|deno|bun|superagent|needle|"
    "java|apache-httpclient|apache-httpasyncclient|jakarta|dalvik|libwww-perl|lwp|perl|ruby|faraday|httparty|"
    "rest-client|http\\.rb|typhoeus|mechanize|php|guzzlehttp|symfony|wordpress|reqwest|hyper|ureq|dart|"
    "lua-resty-http|hackney|restsharp|dotnet|postmanruntime|insomnia|bruno-runtime|httpie|aria2|colly|scrapy|"
    "apachebench|k6|wrk|vegeta|siege|locust"
)

# Programs that borrow a browser's name or none of the generic words: automation, monitors, mail scanners, AI fetchers.
_PROGRAMS = (
    "headless|phantomjs|puppeteer|playwright|selenium|webdriver|cypress|lighthouse|powershell/|cfnetwork/|"
    "uptimerobot|pingdom|statuscake|site24x7|uptime-kuma|better ?uptime|datadog|newrelic|"
    "ms-office|microsoft office|existence discovery|safelinks|proofpoint|mimecast|barracuda|"
    "google-read-aloud|google-inspectiontool|googleother|google-extended|mediapartners-google|feedfetcher|apis-google|"
    "chatgpt-user|oai-search|anthropic-ai|claude-|perplexity-user|cohere-ai|bytespider|meta-externalagent|mistralai|"
    "ia_archiver|yahoo! slurp|facebookplatform"
)

# CUBOT makes phones whose browsers name them.
_WORDS = r"bot(?<!cubot)s?(?![a-z])|crawl(?:er|ing)?(?![a-z])|spider(?![a-z])|scraper|link ?preview|url ?preview"

# Lower case and a letter at the start of each alternative: `re` skips quickly to first letters, but not while it
# ignores case or looks behind.
_FIRST = re.compile(rf"(?:{_LIBRARIES})(?![a-z])")
_PREVIEW_FIRST = re.compile("whatsapp|viber|tumblr/")
_PREVIEW = re.compile(_PREVIEWS)
_BOT = re.compile(f"{_PROGRAMS}|{_WORDS}")


def is_preview(user_agent: str) -> bool:
    """Whether a fetcher of link previews names itself."""
    text = user_agent.lower()
    return bool(_PREVIEW_FIRST.match(text) or _PREVIEW.search(text))


def is_bot(user_agent: str) -> bool:
    """Whether a user agent is empty or names a program that acts without a person's click."""
    text = user_agent.strip().lower()
    return not text or bool(_FIRST.match(text) or _BOT.search(text)) or is_preview(text)
