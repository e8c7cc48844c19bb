# All images of Kith, a target a service:  docker build --target gateway --tag kith/gateway:0.1.0 .
# Each holds what its service needs and nothing that builds. docs/operate.md tells of the variables.
FROM python:3.11-slim AS build
WORKDIR /kith
RUN python -m venv /venv
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY kith kith
COPY services services

FROM python:3.11-slim AS run
RUN useradd --uid 10001 --no-create-home kith
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 KITH_HOST=0.0.0.0
HEALTHCHECK --interval=10s --start-period=120s CMD python -P -m services.runtime.probe "127.0.0.1:$KITH_PORT"


# HTTP for people and chat programs. No model and no memory.
FROM build AS build-gateway
RUN /venv/bin/pip install --no-cache-dir -c constraints.txt '.[gateway]'

FROM run AS gateway
COPY --from=build-gateway /venv /venv
ENV KITH_PORT=7460
EXPOSE $KITH_PORT
HEALTHCHECK --interval=10s --start-period=120s CMD python -P -m services.runtime.probe "http${KITH_TLS_CERT:+s}://127.0.0.1:$KITH_PORT/readyz"
USER 10001
ENTRYPOINT ["kith", "serve", "gateway"]


# The assistant: memories, and the order in which the models are asked. No model.
FROM build AS build-assistant
COPY memory_db memory_db
RUN /venv/bin/pip install --no-cache-dir -c constraints.txt '.[assistant,s3]'

FROM run AS assistant
RUN install -d -o kith /var/lib/kith
COPY --from=build-assistant /venv /venv
ENV KITH_PORT=7450 KITH_MEMORY=/var/lib/kith
EXPOSE $KITH_PORT
USER 10001
ENTRYPOINT ["kith", "serve", "assistant"]


# An assistant whose method trains (KITH_METHOD), with the language model that it teaches. What finds
# regions and what makes vectors run elsewhere. insightface, if wanted, is added to it.
FROM build AS build-baselines
COPY memory_db memory_db
RUN /venv/bin/pip install --no-cache-dir -c constraints.txt '.[baselines]'

FROM run AS baselines
RUN install -d -o kith /var/lib/kith
COPY --from=build-baselines /venv /venv
COPY pocket/weights/llava /weights/llava
ENV KITH_PORT=7450 KITH_MEMORY=/var/lib/kith KITH_WEIGHTS=/weights KITH_METHOD=yollava-s
EXPOSE $KITH_PORT
USER 10001
ENTRYPOINT ["kith", "serve", "assistant"]


# The detector, an Ultralytics YOLO (AGPL-3.0), apart from everything else.
FROM build AS build-detection
RUN /venv/bin/pip install --no-cache-dir -c constraints.txt '.[detection]'

FROM run AS detection
# What the wheel of OpenCV, which Ultralytics imports, is linked with.
RUN apt-get update && apt-get install -y --no-install-recommends \
    libgl1 libglib2.0-0 libsm6 libxext6 && rm -rf /var/lib/apt/lists/*
COPY --from=build-detection /venv /venv
COPY pocket/weights/detector /weights/detector
ENV KITH_PORT=7451 KITH_WEIGHTS=/weights YOLO_CONFIG_DIR=/tmp
EXPOSE $KITH_PORT
USER 10001
ENTRYPOINT ["kith", "serve", "detection"]


# The embedder, an open_clip model.
FROM build AS build-embedding
RUN /venv/bin/pip install --no-cache-dir -c constraints.txt '.[embedding]'

FROM run AS embedding
COPY --from=build-embedding /venv /venv
COPY pocket/weights/clip /weights/clip
ENV KITH_PORT=7452 KITH_WEIGHTS=/weights
EXPOSE $KITH_PORT
USER 10001
ENTRYPOINT ["kith", "serve", "embedding"]


# The language model, or the way to an engine that runs it.
FROM build AS build-generation
RUN /venv/bin/pip install --no-cache-dir -c constraints.txt '.[generation]'

FROM run AS generation
COPY --from=build-generation /venv /venv
COPY pocket/weights/llava /weights/llava
ENV KITH_PORT=7453 KITH_WEIGHTS=/weights
EXPOSE $KITH_PORT
USER 10001
ENTRYPOINT ["kith", "serve", "generation"]


# The maker of datasets. MS-Diffusion and SAM, if wanted, are mounted, and named by KITH_MODELS and
# KITH_SAM.
FROM build AS build-datagen
COPY datagen datagen
RUN /venv/bin/pip install --no-cache-dir -c constraints.txt '.[datagen]'

FROM run AS datagen
# What the wheel of Skia, which draws Playroom, is linked with.
RUN apt-get update && apt-get install -y --no-install-recommends \
    libegl1 libexpat1 libgl1 && rm -rf /var/lib/apt/lists/*
RUN install -d -o kith /var/lib/kith-datagen
COPY --from=build-datagen /venv /venv
ENV KITH_PORT=7456 KITH_DATAGEN_DIR=/var/lib/kith-datagen
EXPOSE $KITH_PORT
USER 10001
ENTRYPOINT ["kith", "serve", "datagen"]


# The evaluator. It measures assistants that run elsewhere: KITH_EVALUATION_METHODS names them, and
# datasets are mounted in /var/lib/kith-evaluation/datasets.
FROM build AS build-evaluation
COPY evaluation evaluation
RUN /venv/bin/pip install --no-cache-dir -c constraints.txt '.[evaluation]'

FROM run AS evaluation
RUN install -d -o kith /var/lib/kith-evaluation
COPY --from=build-evaluation /venv /venv
ENV KITH_PORT=7457 KITH_EVALUATION_DIR=/var/lib/kith-evaluation MPLCONFIGDIR=/tmp
EXPOSE $KITH_PORT
USER 10001
ENTRYPOINT ["kith", "serve", "evaluation"]
