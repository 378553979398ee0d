"""The other side of benchmarks.delivery: the framework's own StaticFiles over a folder, and nothing else."""

import sys

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

if __name__ == "__main__":
    folder, port = sys.argv[1:]
    app = FastAPI()
    app.mount("/static", StaticFiles(directory=folder))
    uvicorn.run(app, host="127.0.0.1", port=int(port), ws="none", access_log=False)
