"""Making an owner: in the database that was meant, or in none."""

import pytest

from souk_cli import owner
from souk_local.errors import StackError


@pytest.mark.parametrize("stage", [None, "prod"], ids=["of the environment", "said"])
def test_for_a_stage_elsewhere_no_owner_is_made_in_the_local_stack(
    monkeypatch: pytest.MonkeyPatch, stage: str | None
) -> None:
    monkeypatch.setenv("SOUK_STAGE", "local" if stage else "prod")
    for form in ("ADMIN_DATABASE_URL", "ADMIN_DATABASE_URL_FILE", "ADMIN_SECRET_ID"):
        monkeypatch.delenv(form, raising=False)
    with pytest.raises(StackError, match="ADMIN_DATABASE_URL"):
        owner.create("ada@example.com", "Ada", "a-long-enough-secret", stage=stage)
