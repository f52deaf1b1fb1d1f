"""The languages that a paste can be in: a closed list, because each has a lexer that reads whatever strangers send."""

from typing import Final

PLAIN: Final = "text"
LANGUAGES: Final = frozenset(
    (
        *(PLAIN, "bash", "c", "clojure", "cmake", "cpp", "csharp", "css", "dart", "diff", "docker", "elixir", "erlang"),
        *("go", "graphql", "groovy", "haskell", "html", "http", "ini", "java", "javascript", "json", "jsx", "julia"),
        *("kotlin", "latex", "lua", "make", "markdown", "nginx", "nix", "objective-c", "ocaml", "perl", "php"),
        *("powershell", "properties", "protobuf", "python", "r", "ruby", "rust", "scala", "scss", "sql", "swift"),
        *("terraform", "toml", "typescript", "xml", "yaml", "zig"),
    )
)
# What people and programs call them beside these names.
_CALLED: Final = {
    PLAIN: "plain plaintext txt none",
    "bash": "sh shell zsh console",
    "cpp": "c++ cc hpp",
    "csharp": "c# cs",
    "diff": "patch",
    "docker": "dockerfile",
    "elixir": "ex exs",
    "go": "golang",
    "haskell": "hs",
    "html": "htm",
    "javascript": "js mjs node",
    "kotlin": "kt",
    "latex": "tex",
    "make": "makefile mk",
    "markdown": "md",
    "objective-c": "objc objectivec",
    "perl": "pl",
    "powershell": "ps1 pwsh",
    "protobuf": "proto",
    "python": "py python3",
    "ruby": "rb",
    "rust": "rs",
    "sql": "postgresql mysql sqlite",
    "terraform": "hcl tf",
    "typescript": "ts tsx",
    "yaml": "yml",
}
_OTHER_NAMES: Final = {other: name for name, others in _CALLED.items() for other in others.split()}


def read_language(given: str) -> str:
    """The language's one name; ValueError for what is none of them."""
    name = given.strip().lower() if given.isascii() else ""
    name = _OTHER_NAMES.get(name, name)
    if name not in LANGUAGES:
        raise ValueError(f"must be one of {', '.join(sorted(LANGUAGES))}")
    return name
