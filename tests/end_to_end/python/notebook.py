"""usage: notebook.py NOTEBOOK [--update]

Runs the cells of a notebook in one process, in their order, and compares what each prints with what the notebook holds.
With --update the notebook holds it from then on.
"""

import contextlib
import io
import json
import sys


def ran(source, names):
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(source, "<cell>", "exec"), names)
    return told.getvalue()


def printed(cell):
    return "".join(line for output in cell["outputs"] for line in output["text"])


def main(path, update):
    with open(path, encoding="utf-8") as file:
        notebook = json.load(file)
    names, cells = {"__name__": "__notebook__"}, [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        told = ran("".join(cell["source"]), names)
        if update:
            output = {"name": "stdout", "output_type": "stream", "text": told.splitlines(keepends=True)}
            cell.update(execution_count=number, outputs=[output])
        assert told == printed(cell), f"cell {number} prints\n{told}\nand not\n{printed(cell)}"
    if update:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(notebook, file, indent=1, ensure_ascii=False)
            file.write("\n")
    print(f"done: {len(cells)} cells")


if __name__ == "__main__":
    main(sys.argv[1], "--update" in sys.argv[2:])
