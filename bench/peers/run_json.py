"""What the scripts beside this one share: a program by its path, and the JSON object that ends what a program prints."""
import argparse
import json
import os
import shutil
import subprocess
import sys


def program(path):
    """A type for argparse: a program that can be run from any folder, known before the first measurement."""
    found = shutil.which(os.path.abspath(path)) or shutil.which(path)
    if not found:
        raise argparse.ArgumentTypeError(f"{path}: no such program")
    return found


def last_json(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])
