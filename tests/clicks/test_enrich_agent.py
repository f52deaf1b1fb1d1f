"""What is read from a visitor's user agent."""

import pytest

from shortmcp.clicks.enrich import Click, Enricher, is_preview
from shortmcp.clicks.visits import Visit

LINUX, MAC = "Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
WINDOWS, WEBKIT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT}"

PEOPLE = [
    (f"{WINDOWS} {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "chrome windows desktop"),
    (f"{MAC} {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "chrome macos desktop"),
    (f"{LINUX} {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "chrome linux desktop"),
    (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "chrome chrome-os desktop"),
    (f"{ANDROID} Chrome/126.0.0.0 Mobile Safari/537.36", "chrome android mobile"),
    (f"{ANDROID} Chrome/126.0.0.0 Safari/537.36", "chrome android tablet"),
    (
        f"Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) {WEBKIT} Version/4.0 Chrome/126.0 Mobile Safari/537.36",
        "chrome android mobile",
    ),
    (f"{IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1", "chrome ios mobile"),
    (f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", "safari ios mobile"),
    (f"{IPHONE} Mobile/15E148", "safari ios mobile"),
    (f"{IPAD} Version/17.5 Mobile/15E148 Safari/604.1", "safari ios tablet"),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
        "safari macos desktop",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
        "firefox windows desktop",
    ),
    ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "firefox linux desktop"),
    ("Mozilla/5.0 (X11; Fedora; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "firefox linux desktop"),
    ("Mozilla/5.0 (X11; FreeBSD amd64; rv:127.0) Gecko/20100101 Firefox/127.0", "firefox freebsd desktop"),
    ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "firefox android mobile"),
    ("Mozilla/5.0 (Android 14; Tablet; rv:127.0) Gecko/127.0 Firefox/127.0", "firefox android tablet"),
    (f"{IPHONE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15", "firefox ios mobile"),
    ("Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5", "firefox kaios mobile"),
    (f"{WINDOWS} {WEBKIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", "edge windows desktop"),
    (f"{WINDOWS} {WEBKIT} Chrome/46.0.2486.0 Safari/537.36 Edge/13.10586", "edge windows desktop"),
    (f"{ANDROID} Chrome/126.0.6478.61 Mobile Safari/537.36 EdgA/124.0.2478.104", "edge android mobile"),
    (f"{IPHONE} Version/17.0 EdgiOS/125.2535.96 Mobile/15E148 Safari/605.1.15", "edge ios mobile"),
    (f"{WINDOWS} {WEBKIT} Chrome/126.0.0.0 Safari/537.36 OPR/111.0.0.0", "opera windows desktop"),
    (f"{ANDROID} Chrome/126.0.6478.61 Mobile Safari/537.36 OPR/76.2.4027.73374", "opera android mobile"),
    ("Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423", "opera android mobile"),
    ("Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119", "opera unverified mobile"),
    (
        f"Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) {WEBKIT} SamsungBrowser/25.0 Mobile Safari/537.36",
        "samsung-internet android mobile",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-X700) {WEBKIT} SamsungBrowser/25.0 Safari/537.36",
        "samsung-internet android tablet",
    ),
    ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "internet-explorer windows desktop"),
    (
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0; Tablet PC 2.0)",
        "internet-explorer windows desktop",
    ),
    (f"{WINDOWS} {WEBKIT} Chrome/126.0.0.0 Safari/537.36 Vivaldi/6.8.3381.44", "vivaldi windows desktop"),
    (f"{WINDOWS} {WEBKIT} Chrome/124.0.0.0 YaBrowser/24.6.0.0 Safari/537.36", "yandex-browser windows desktop"),
    (f"{ANDROID} Version/4.0 Chrome/100.0 UCBrowser/13.4.0.1306 Mobile Safari/537.36", "uc-browser android mobile"),
    (f"{IPHONE} Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15", "duckduckgo ios mobile"),
    (f"{IPHONE} Mobile/21F90 [FBAN/FBIOS;FBAV/469.0.0.0;FBDV/iPhone15,3]", "facebook ios mobile"),
    (f"{IPHONE} Mobile/21F90 Instagram 336.0.0.0 (iPhone15,3; iOS 17_5_1; en_US)", "instagram ios mobile"),
    (f"{IPHONE} Mobile/21F90 [LinkedInApp]/9.29.8", "safari ios mobile"),
    (f"{IPHONE} Mobile/15E148 [Pinterest/iOS]", "pinterest ios mobile"),
    (f"{IPHONE} Mobile/15E148 KAKAOTALK 10.8.5", "safari ios mobile"),
    (f"{ANDROID} Version/4.0 Chrome/126.0 Mobile Safari/537.36 Line/14.9.0/IAB", "line android mobile"),
    (
        f"Mozilla/5.0 (Linux; Android 5.1; AFTS) {WEBKIT} Silk/108.4.6 like Chrome/108.0.5359.160 Safari/537.36",
        "amazon-silk android tv",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 9; KFMAWI) {WEBKIT} Silk/108.4.6 like Chrome/108.0.5359.160 Safari/537.36",
        "amazon-silk android tablet",
    ),
    (f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {WEBKIT} 76.0.3809.146/6.0 TV Safari/537.36", "safari tizen tv"),
    (f"Mozilla/5.0 (Web0S; Linux/SmartTV) {WEBKIT} Chrome/79.0.3945.79 Safari/537.36 WebAppManager", "chrome webos tv"),
    (
        "Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
        "safari unverified unverified",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 8.1.0; CUBOT_P20) {WEBKIT} Chrome/96.0.4664.45 Mobile Safari/537.36",
        "chrome android mobile",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 10; CUBOT X30) {WEBKIT} Chrome/126.0 Mobile Safari/537.36",
        "chrome android mobile",
    ),
    ("Mozilla/5.0", "unverified unverified unverified"),
    ("x" * 2000, "unverified unverified unverified"),
]

PREVIEWS = [
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "TelegramBot (like TwitterBot)",
    "WhatsApp/2.23.20.0",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    f"{MAC} AppleWebKit/601.2.4 Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "facebookexternalhit/1.1;line-poker/1.0",
    "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984",
    "Twitterbot/1.0",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "Mozilla/5.0 (compatible; Embedly/0.2; +http://support.embed.ly/)",
    "Iframely/1.3.1 (+https://iframely.com/docs/about)",
    "Mastodon/4.2.9 (http.rb/5.1.1; +https://mastodon.social/)",
    "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)",
    "Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)",
    "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)",
    "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)",
    "Viber/13.3.0.5 CFNetwork/1220.1 Darwin/20.3.0",
]

OTHER_BOTS = [
    "",
    " \t",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    f"{ANDROID} Chrome/126.0 Mobile Safari/537.36 (compatible; Google-Read-Aloud; +https://support.google.com/)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    f"{MAC} Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17628; Pro)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Claude-User/1.0; +Claude-User@anthropic.com)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0)",
    "CCBot/2.0 (https://commoncrawl.org/faq/)",
    "curl/8.5.0",
    "Wget/1.21.4",
    "python-requests/2.32.3",
    "python-httpx/0.27.0",
    "Python/3.11 aiohttp/3.9.5",
    "Go-http-client/2.0",
    "okhttp/4.12.0",
    "axios/1.7.2",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
    "node",
    "undici",
    "got (https://github.com/sindresorhus/got)",
    "Java/17.0.1",
    "Java-http-client/21",
    "Apache-HttpClient/4.5.13 (Java/11.0.2)",
    "libwww-perl/6.05",
    "Ruby",
    "PHP/8.2",
    "GuzzleHttp/7",
    "PostmanRuntime/7.39.0",
    "insomnia/9.2.0",
    f"{LINUX} {WEBKIT} HeadlessChrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
    f"{WINDOWS} {WEBKIT} Chrome/98.0 Safari/537.36 StatusCake",
    "Some-Crawler/1.0",
]


def enrich(user_agent: str) -> Click:
    visit = Visit(
        link_id=7,
        at=1_780_000_000_000,
        address="192.0.2.1",
        user_agent=user_agent,
        referrer="",
        accept_language="",
        query="",
        prefetch=False,
    )
    return Enricher(lambda _: None).enrich(visit)


@pytest.mark.parametrize(("user_agent", "expected"), PEOPLE)
def test_a_browser_is_told_from_its_user_agent_and_is_no_bot(user_agent: str, expected: str) -> None:
    click = enrich(user_agent)

    assert (f"{click.browser} {click.os} {click.device}", click.bot) == (expected, False)


@pytest.mark.parametrize("user_agent", PREVIEWS)
def test_a_fetcher_of_link_previews_is_a_bot_and_known_as_one(user_agent: str) -> None:
    assert (enrich(user_agent).bot, is_preview(user_agent)) == (True, True)


@pytest.mark.parametrize("user_agent", OTHER_BOTS)
def test_a_program_is_a_bot_but_shows_no_preview(user_agent: str) -> None:
    assert (enrich(user_agent).bot, is_preview(user_agent)) == (True, False)


def test_an_unknown_browser_goes_by_a_slug_of_at_most_thirty_characters() -> None:
    click = enrich("A-Very-Long-Application-Name-Indeed/1.0 CFNetwork/1494.0.7 Darwin/23.4.0")

    assert click.browser == "a-very-long-application-name-i"
