# SPDX-License-Identifier: MIT
"""What is drawn on a terminal."""
import fcntl
import os
import re
import struct
import subprocess
import termios

import harness
from harness import TIMEOUT, write_text


def drawn(columns, *args):
    """Run the command with stderr on a terminal of so many columns; the lines it draws there."""
    terminal, inside = os.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    process = subprocess.Popen([harness.path_of_clrnn, *args], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=inside)
    os.close(inside)
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:  # nobody has the other end any more
        pass
    os.close(terminal)
    assert process.wait(timeout=TIMEOUT) == 0, shown
    return [line for line in re.split(r"\r|\x1b\[K", shown.decode()) if line.strip()]


def test_progress_fits():
    write_text()
    train = ["train", "--text", "text.txt", "--hidden", "8", "--batch", "4", "--seq", "8",
             "--steps", "3", "--save", "m.safetensors", "--force"]
    for columns in 200, 60, 20, 3:
        lines = drawn(columns, *train)
        assert lines, columns
        for line in lines:
            assert re.match(r"\[[#.]{24}\] +\d+ %  step " if columns == 200 else r" *\d+ %", line)
            assert len(line) < max(columns, 8), (columns, line)
            assert ("left" in line) == (columns == 200), line
