#!/usr/bin/env python3
"""power_cut.py DISK STATE HOW SEED: what is left of the directory STATE when the power is back, by what tests/disk.c has kept.

HOW: late: names and data as of the last fsync; early: all names, data as of the last fsync; mixed: of each directory one or the
other, and of what was not synced some blocks. Directories themselves are there whatever happens.
"""
import os
import random
import shutil
import sys

BLOCK = 4096
disk, state, how, seed = sys.argv[1:]
draw = random.Random(int(seed))


def content(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


def listing(path):
    """The names of a directory and their inodes: now, and as of its last fsync."""
    now = {e.name: e.inode() for e in os.scandir(path) if not e.is_dir(follow_symlinks=False)}
    lines = content(f"{disk}/names/{os.stat(path).st_ino}").decode().splitlines()
    synced = {name: int(inode) for inode, name in (line.split(" ", 1) for line in lines)}
    synced = {name: inode for name, inode in synced.items() if not os.path.isdir(f"{path}/{name}")}
    return now, synced


def some_blocks(old, new):
    size = draw.randint(min(len(old), len(new)), max(len(old), len(new)))
    blocks = []
    for at in range(0, size, BLOCK):
        block = draw.choice((old, new))[at:at + BLOCK]
        blocks.append(block.ljust(min(BLOCK, size - at), b"\0")[:size - at])
    return b"".join(blocks)


def left(inode, current):
    synced = content(f"{disk}/data/{inode}")
    return some_blocks(synced, current[inode]) if how == "mixed" and inode in current else synced


after = state + ".after"
for path, _, _ in os.walk(state):
    now, synced = listing(path)
    current = {inode: content(f"{path}/{name}") for name, inode in now.items()}
    names = {"late": synced, "early": now, "mixed": draw.choice((synced, now))}[how]
    to = after + path[len(state):]
    os.makedirs(to)
    for name, inode in sorted(names.items()):
        with open(os.open(f"{to}/{name}", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
            f.write(left(inode, current))
shutil.rmtree(state)
os.rename(after, state)
# All that is there is on the disk, under inodes of its own.
for kind in "data", "names":
    for entry in os.scandir(f"{disk}/{kind}"):
        os.unlink(entry.path)
for path, _, files in os.walk(state):
    with open(f"{disk}/names/{os.stat(path).st_ino}", "w") as f:
        f.writelines(f"{os.stat(f'{path}/{name}').st_ino} {name}\n" for name in files)
    for name in files:
        shutil.copyfile(f"{path}/{name}", f"{disk}/data/{os.stat(f'{path}/{name}').st_ino}")
