"""A hook of the documentation's build: a page that says ``[[notebook.ipynb]]`` shows that notebook, with its outputs.

The notebook is shown as it was saved; nothing is run. plotly.js comes from the installed package, not from a network.
"""

import json
import re
from pathlib import Path
from typing import Any

PLOTLY = "assets/plotly.min.js"


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Put notebooks where their names stand."""
    folder = Path(page.file.abs_src_path).parent

    def shown(found: re.Match[str]) -> str:
        return page_of(json.loads((folder / found[1]).read_text(encoding="utf-8")))

    return re.sub(r"^\[\[(\w+\.ipynb)\]\]$", shown, markdown, flags=re.MULTILINE)


def on_post_build(*, config: Any, **_: Any) -> None:
    """Put plotly.js beside the pages."""
    from plotly.offline import get_plotlyjs

    (Path(config.site_dir) / PLOTLY).write_text(get_plotlyjs(), encoding="utf-8")


def page_of(notebook: dict[str, Any]) -> str:
    """A notebook as Markdown, without its first heading, which the page has."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(re.sub(r"\A# .*\n+", "", source))
        else:
            parts += [f"```python\n{source}\n```", *map(_output, cell["outputs"])]
    return "\n\n".join(parts)


def _output(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return f"```text\n{''.join(output['text']).rstrip()}\n```"
    data = output["data"]
    if figure := data.get("application/vnd.plotly.v1+json"):
        from plotly.graph_objects import Figure

        # The same id at every build: what did not change gives the same page.
        drawn = Figure(data=figure["data"], layout=figure["layout"])
        return drawn.to_html(full_html=False, include_plotlyjs=f"../{PLOTLY}", div_id="figure", default_height=420)
    for kind in ("image/svg+xml", "text/html"):
        if kind in data:
            return "<div>\n" + "".join(data[kind]).replace(' border="1" class="dataframe"', "") + "\n</div>"
    return f"```text\n{''.join(data['text/plain'])}\n```"
