# lensload as an image: `locust` (default), or any command, such as `lensload bench`.
# The wheels are built where a compiler is; the image that runs has none.
FROM python:3.11 AS wheels
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY schemas schemas
COPY locustfiles locustfiles
COPY src src
RUN pip wheel --no-cache-dir --constraint constraints.txt --wheel-dir /wheels .

FROM python:3.11-slim
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels lensload
RUN useradd --create-home lensload
USER lensload
# Locust finds the locustfile, and run files are written, here.
WORKDIR /home/lensload
COPY --chown=lensload pyproject.toml ./
COPY --chown=lensload locustfiles locustfiles
CMD ["locust"]
