# The page for a team. compose.yaml starts it together with PostgreSQL and a proxy that has TLS and logs people in.
FROM python:3.12-slim

RUN useradd --create-home --uid 10001 runner && install -d -o runner -g runner -m 0700 /data
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --requirement requirements.lock
COPY . .

USER runner
ENV DATA_DIR=/data PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8501
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health')"]
CMD ["streamlit", "run", "main.py", "--server.address=0.0.0.0", "--server.port=8501"]
