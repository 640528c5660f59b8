"""The plugin that lets LocalStack run each Lambda function as a process of this machine, without Docker.

Install it into LocalStack's own virtual environment, whose pinned setuptools builds it:

    pip install --require-hashes -r localstack/requirements/localstack.txt
    pip install --no-deps --no-build-isolation localstack/souk_executor

Functions run under a second virtual environment made from `localstack/requirements/lambda-runtime.txt`.
`souk_executor.environment` says with which variables and command LocalStack starts.
"""
