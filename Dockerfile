# One image for the web process and for the workers; docker-compose.yml says which runs what.
# Where another package index is to be used (say, one with the CPU build of torch):
#   docker build --build-arg PIP_EXTRA_INDEX_URL=... .

FROM node:22-bookworm-slim AS pages
WORKDIR /vitrine/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend ./
RUN npm run build

FROM python:3.11-slim-bookworm
ARG PIP_EXTRA_INDEX_URL=""
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    VITRINE_HOME=/data \
    HF_HUB_OFFLINE=1
WORKDIR /vitrine
COPY requirements.lock ./
RUN pip install --requirement requirements.lock
COPY manage.py pyproject.toml ./
COPY playground playground
COPY workers workers
COPY templates templates
COPY locale locale
COPY --from=pages /vitrine/frontend/dist frontend/dist
RUN VITRINE_HOME=/tmp/build python manage.py compile_catalogue && rm -r /tmp/build \
    && useradd --system --uid 10001 --home-dir /data vitrine \
    && install -d -m 0700 -o vitrine -g vitrine /data
USER vitrine
VOLUME /data
EXPOSE 8000
CMD ["uvicorn", "playground.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--ws", "websockets-sansio", "--ws-max-size", "65536", "--ws-ping-interval", "20", \
     "--timeout-graceful-shutdown", "5", "--no-access-log"]
