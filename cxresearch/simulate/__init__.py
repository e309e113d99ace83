"""Customers with known truth: README, notebooks, tests and benchmarks all use these.

The model, so that a statistician can object to it. Person i signs up on a uniform random day of
the `months_before` + `months` months up to `as_of`, and renews every month on that day (a day that
a month lacks becomes its last). Latent half-years of tenure are numbered j = 0, 1, ...; renewal
k = 1, 2, ... ends the k-th month and lies in half-year j(k) = floor((k - 1) / 6).

Traits
    plan: basic, plus, pro with shares .50, .33, .17; quality q ~ N(0, 1) is in no table;
    onboarded ~ Bernoulli(expit(0.6 + 0.5 q)) is; silent ~ Bernoulli(expit(-1 - 0.4 q)) is not;
    region and channel move nothing; 3 % of the regions are unknown. acquisition_source moves
    nothing either: earned with chance .40, else bought, and recorded with chance .85, so that
    .34, .51 and .15 are earned, bought and not known. Where earned is recorded, so is who referred
    them (`referred_by`): one of the customers of the extract who had signed up before that day and
    are still there, with odds 1, 2, 4 for detractors, passives and promoters of that day.
Tickets
    n_ij ~ Poisson(6 x 0.09 exp(-0.3 q)), on uniform days of the half-year.
Score
    s_ij = 8.10 + p + 0.9 q + 0.5 (onboarded - 0.5) - 0.6 min(n_i,j-1, 3) + 1.5 e - 6 d, rounded and
    cut to 0-10, with e ~ N(0, 1) and the mishap d ~ Bernoulli(.04) new every half-year, and
    p = -0.25, 0.10, 0.55 for the plans.
    0-6 is a detractor, 7-8 a passive, 9-10 a promoter; an answer states the score of the day of the
    invitation without error.
Leaving
    Voluntary hazard of renewal k: v_ik = v0 G_i H[plan] HR[group of s_i,j(k)] C_ik exp(0.3 silent)
    exp(c (-0.35 q - 0.40 onboarded + 0.30 min(n_i,j-1, 3))), where G_i is gamma with mean 1 and
    variance `frailty_variance`, H = 1.25, 0.95, 0.70, c is `confounding`, HR are the stated hazard
    ratios (passive 1) and C_ik is `call_hazard_ratio` on the second to the sixth renewal after
    an assignment to a call-back, else 1. Involuntary (card failure), company and migration have the
    constant hazards .0020, .0003, .0007: negative controls, the same for everybody.
    Let t_ik be the sum of all four. P(leave at k | still there) = 1 - exp(-t_ik), so a grouped
    complementary log-log model holds exactly, and the cause is voluntary with probability
    v_ik / t_ik. Retention rises with tenure because G, q and the rest sort customers.
    Voluntary leavers give notice 3 to 27 days ahead.
Surveys
    Each half-year a wave invites 80 % of the customers of that day who have not given notice; 2 %
    bounce. P(answer) = `response_rates`[group] x (0.45 if silent), within ten days. Silence depends
    on the group, and through `silent` on churn: an NPS of answers, and the retention of those who
    answer, are off by an amount that the truth states.
    Half of the solved tickets are followed by a CSAT question (1-5).
Money
    Monthly price 19, 29 or 49 x exp(0.08 q + 0.10 N(0, 1)) x 1.03 a year, billed in advance;
    contribution margin: 52, 60 or 66 % of it, 1 point more a year up to three, + N(0, 1.5).
Shop
    On `observed_from` a web shop opens for everybody who ever was a customer. From then on, or from
    sign-up on if that is later, the wait for the first purchase is exponential with mean 180 weeks.
    What follows is BG/NBD with Gamma-Gamma spend, and depends on the third of the sign-ups that q
    lies in, whether or not the contract has ended: the upper third buys more often, for more, and
    stops later. Given q, neither score nor churn moves anything in the shop.
    5 % of the orders come back whole within three weeks, 1 % have the value 0 (a coupon), 3 % are
    of guests, whom nobody knows. Gross margin: N(35 %, 4 points) of the amount.
Programme
    In the last two years half of the detractors who answer, at random, are assigned to a call.

The extract holds, as a company's would, only those who were still customers on `observed_from`:
the others are in the truth alone. Nothing in it is later than `as_of`: an end after it is empty,
although its notice may already have been given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from cxresearch.errors import CxError
from cxresearch.simulate import files as files
from cxresearch.simulate import shop
from cxresearch.simulate import surveys as asked
from cxresearch.simulate import tables as tabled
from cxresearch.simulate.settings import TABLES, Settings, stream
from cxresearch.simulate.truth import Truth, truth
from cxresearch.simulate.world import Extract, World, build_world

__all__ = ["Settings", "Simulation", "simulate", "write_flat_extract", "write_sample"]

_CHUNK = 250_000  # customers held in memory at once by the flat extract
_MOST = 1_000_000  # customers whose tables fit into the memory of a good laptop
_SAMPLE_BYTES, _FLAT_BYTES = 200, 40  # per customer on disk, generously


@dataclass(frozen=True, eq=False)
class Simulation:
    """Simulated tables and the truth behind them.

    Attributes
    ----------
    tables
        The tables asked for, by their name in the contract; dates are datetime64, ids text.
    world
        Everybody who signed up, with frailty, quality and paths: for tests, never written.
    """

    settings: Settings
    tables: Mapping[str, pd.DataFrame]
    world: World

    @cached_property
    def truth(self) -> Truth:
        """What the model knows, each figure with its definition; what `truth.json` holds."""
        return truth(self.world)


def simulate(settings: Settings | None = None) -> Simulation:
    """Simulate customers by the model in this module's docstring.

    Parameters
    ----------
    settings
        What to simulate; 2,000 customers of a plausible telecom when left out.

    Returns
    -------
    Simulation
        Same settings, same tables, to the byte. Leaving tables out changes no other.

    Raises
    ------
    CxError
        For more customers than fit into memory.
    """
    settings = Settings() if settings is None else settings
    if settings.customers > _MOST:
        raise CxError(
            f"customers is {settings.customers:,}, must be at most {_MOST:,} where all tables are "
            "simulated in memory: ask for fewer, or use write_flat_extract for lifetimes only."
        )
    seed = np.random.SeedSequence(settings.seed)
    world = build_world(settings, seed)
    return Simulation(settings, _tables(world.extract, seed), world)


def write_sample(
    directory: str | Path,
    *,
    customers: int = 2_000,
    seed: int = 1,
    settings: Settings | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a simulation as a company's data: Parquet files, `data.toml` and `truth.json`.

    Parameters
    ----------
    directory
        Made with its parents; replaced when it holds a sample and nothing else.
    customers, seed
        They take the place of those in `settings`.
    settings
        Everything else about the simulation.
    overwrite
        Write into a folder that holds other things too. Those are left alone.

    Returns
    -------
    Path
        The folder. It appears whole or not at all.

    Raises
    ------
    CxError
        For settings out of range, a folder with other things in it, or too small a disk.
    """
    base = Settings() if settings is None else settings
    settings = replace(base, customers=customers, seed=seed)
    target = Path(directory).absolute()
    files.check_room(target, _SAMPLE_BYTES * customers, customers)
    with files.whole_folder(target, overwrite=overwrite) as folder:
        simulation = simulate(settings)
        files.write_tables(folder, simulation.tables, simulation.truth, settings)
    return target


def write_flat_extract(
    path: str | Path, *, customers: int, seed: int = 1, settings: Settings | None = None
) -> Path:
    """Write only lifetimes, for any number of customers, into one Parquet file.

    Columns: customer_id (text), start_date, end_date (empty: still active), plan, region. The
    customers are simulated in chunks whose seeds are spawned from `seed`, so memory does not grow
    with their number.

    Raises
    ------
    CxError
        For settings out of range, a folder in the place of the file, or too small a disk.
    """
    base = replace(settings or Settings(), tables=("customers",), customers=customers, seed=seed)
    target = Path(path).absolute()
    if target.is_dir():
        raise CxError(f"{target} is a folder, must be a file: add a name such as flat.parquet.")
    files.check_room(target.parent, _FLAT_BYTES * customers, customers)
    with files.writable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        files.write_flat(target, _chunks(base), customers)
    return target


def _chunks(settings: Settings) -> Iterator[World]:
    sizes = [_CHUNK] * (settings.customers // _CHUNK)
    sizes += [settings.customers % _CHUNK] if settings.customers % _CHUNK else []
    seeds = np.random.SeedSequence(settings.seed).spawn(len(sizes))
    for size, seed in zip(sizes, seeds, strict=True):
        yield build_world(replace(settings, customers=size), seed)


def _tables(extract: Extract, seed: np.random.SeedSequence) -> dict[str, pd.DataFrame]:
    """Build the tables asked for, in the contract's order."""
    wanted = extract.settings.tables
    contacts = _contacts(extract, seed)
    builders: dict[str, Callable[[], pd.DataFrame]] = {
        "customers": lambda: tabled.customers(
            extract, stream(seed, "sources"), stream(seed, "referrals")
        ),
        "subscriptions": lambda: tabled.subscriptions(extract),
        "revenue": lambda: tabled.revenue(extract, stream(seed, "money")),
        "transactions": lambda: shop.transactions(
            extract, stream(seed, "shop"), stream(seed, "orders")
        ),
        "touchpoints": lambda: contacts.drop(columns="person"),
        "interventions": lambda: asked.interventions(extract, stream(seed, "programme")),
        "costs": lambda: tabled.costs(extract, contacts),
    }
    built = {name: build() for name, build in builders.items() if name in wanted}
    if not {"survey_invitations", "survey_responses"}.isdisjoint(wanted):
        sent, got = asked.surveys(extract, contacts, stream(seed, "surveys"))
        built |= {"survey_invitations": sent, "survey_responses": got}
    return {name: built[name] for name in TABLES if name in wanted}


def _contacts(extract: Extract, seed: np.random.SeedSequence) -> pd.DataFrame:
    """Tickets, where a table needs them."""
    needy = {"touchpoints", "costs", "survey_invitations", "survey_responses"}
    if needy.isdisjoint(extract.settings.tables):
        return pd.DataFrame()
    return tabled.tickets(extract, stream(seed, "tickets"))
