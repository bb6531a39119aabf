"""What belongs to the process and not to a variable: random numbers, options of libraries, the environment.

A task is a process of its own. What one task sets here does not reach another, so each use is noted, and
:mod:`.flow_state` says where that changes a result.
"""

from __future__ import annotations

import re

from fasttrack_jupyter.notebook.names_record import State, StateUse

_SETTINGS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (r"os\.(environ(\..*)?|putenv|unsetenv)", "environment variables", ()),
    (r"os\.(chdir|umask)", "the working folder", ()),
    (r"sys\.(path|modules|argv|stdout|stderr)(\..*)?|sys\.set.*", "the interpreter's settings (sys)", ()),
    (r"warnings\.(filterwarnings|simplefilter|resetwarnings)", "warning filters", ()),
    (r"logging\.(basicConfig|disable|captureWarnings|setLoggerClass|addLevelName)", "logging", ("logging",)),
    (r"locale\.setlocale", "the locale", ("locale",)),
    (r"decimal\.(setcontext|getcontext(\..*)?)", "the decimal context", ("decimal",)),
    (r"matplotlib(\.pyplot)?\.(rc|rcdefaults|rc_file|rcParams(\..*)?|use|style(\..*)?|switch_backend|xkcd|ion|ioff)",
     "matplotlib's settings", ("matplotlib", "seaborn")),
    (r"seaborn\.(set|set_theme|set_style|set_context|set_palette|despine_)", "seaborn's settings",
     ("matplotlib", "seaborn")),
    (r"pandas\.(set_option|reset_option|options(\..*)?)", "pandas options", ("pandas",)),
    (r"polars\.Config(\..*)?", "polars options", ("polars",)),
    (r"numpy\.(set_printoptions|seterr|setbufsize|set_string_function)", "numpy's settings", ("numpy",)),
    (r"sklearn\.set_config", "scikit-learn's settings", ("sklearn",)),
    (r"torch\.(set_.*|use_deterministic_algorithms|backends\..*)", "torch's settings", ("torch",)),
    (r"(tensorflow|keras)\.(.*\.)?(set_.*|config\..*|enable_.*|disable_.*)", "TensorFlow's settings",
     ("tensorflow", "keras")),
    (r"socket\.setdefaulttimeout|signal\.signal|atexit\.register|faulthandler\.enable|gc\.(disable|enable|freeze)",
     "the process", ()),
    (r"plotly\.io\.(templates|renderers)(\..*)?", "plotly's settings", ("plotly",)),
)  # fmt: skip
_OBJECTS = {"logger": ("logging", ("logging",)), "context": ("the decimal context", ("decimal",))}
"""Objects that belong to the process, by the type that they have here: they travel by their names alone."""
_HARMLESS = frozenset({"ignore", "default", "always", "once", "module", "all"})
"""Warning filters that change what stands in the log, and no value."""
_SEEDS: tuple[tuple[str, str], ...] = (
    (r"random\.(seed|setstate)", "random"),
    (r"numpy\.random\.(seed|set_state)", "numpy.random"),
    (r"torch\.(manual_seed|random\.manual_seed|cuda\.manual_seed(_all)?|mps\.manual_seed|seed|set_rng_state)", "torch"),
    (r"(tensorflow|tf)\.(random\.)?set_(random_)?seed", "tensorflow"),
    (r"(tensorflow\.)?keras\.utils\.set_random_seed", "tensorflow"),
    (r"(.*\.)?(seed_everything|set_seed)", "every generator"),
)
_OWN_GENERATOR = re.compile(
    r"numpy\.random\.(default_rng|RandomState|Generator|SeedSequence|PCG64|Philox|MT19937|BitGenerator|get_state|bit_generator.*)"
    r"|random\.(Random|SystemRandom|getstate)"
)
_SEEDED_BY = frozenset({"random_state", "seed", "rng", "generator", "random_seed"})
_DRAWING = re.compile(
    r"sklearn\..*\.(train_test_split|shuffle|resample|KFold|StratifiedKFold|ShuffleSplit|StratifiedShuffleSplit"
    r"|RandomForest\w+|ExtraTrees\w+|ExtraTree\w+|DecisionTree\w+|GradientBoosting\w+|HistGradientBoosting\w+|Bagging\w+"
    r"|AdaBoost\w+|IsolationForest|MLP\w+|SGD\w+|Perceptron|PassiveAggressive\w+|KMeans|MiniBatch\w+|BisectingKMeans"
    r"|GaussianMixture|BayesianGaussianMixture|TSNE|MDS|NMF|FastICA|LatentDirichletAllocation|TruncatedSVD|SparsePCA"
    r"|RandomizedSearchCV|permutation_importance|make_\w+|RBFSampler|Nystroem|\w*RandomProjection|SpectralClustering"
    r"|IterativeImputer|mutual_info_\w+|LinearSVC|Dummy\w+|QuantileTransformer|SplineTransformer_)"
    r"|scipy\.(stats|optimize|sparse)\.\w+(\.rvs)?|scipy\..*\.rvs"
)
_QUIET = re.compile(
    r"scipy\.(stats\.(?!.*rvs)|optimize\.(?!dual_annealing|differential_evolution|basinhopping)|sparse\.(?!rand))"
)


def state_of(path: str, line: int, how: str) -> State | None:
    """What setting (``how`` = "set") or calling ("call") this member of a module does to the process.

    Anything that is set on a module is state of the process; a call is one where it is known.
    """
    for pattern, label, users in _SETTINGS:
        if re.fullmatch(pattern, path):
            return State(label, StateUse.SET, line, users)
    if how == "set" and path and not path.startswith("builtins."):
        root = path.partition(".")[0]
        return State(f"what {root} keeps", StateUse.SET, line, (root,))
    for pattern, stream in _SEEDS:
        if re.fullmatch(pattern, path):
            return State(stream, StateUse.SEED, line)
    return None


def state_of_object(kind: str, line: int) -> State | None:
    """What changing an object of this type in place does to the process."""
    label, users = _OBJECTS.get(kind, ("", ()))
    return State(label, StateUse.SET, line, users) if label else None


def is_harmless(path: str, first: object) -> bool:
    """Whether calling this member with this first argument changes nothing but what is said besides."""
    return path in ("warnings.filterwarnings", "warnings.simplefilter") and first in _HARMLESS


def draw_of(path: str, line: int, keywords: frozenset[str], positional: int) -> State | None:
    """The stream of random numbers that calling this member draws from, if any."""
    if _OWN_GENERATOR.fullmatch(path) or any(re.fullmatch(pattern, path) for pattern, _ in _SEEDS):
        return None
    if path.startswith("numpy.random."):
        return State("numpy.random", StateUse.DRAW, line)
    if path.startswith("random."):
        return State("random", StateUse.DRAW, line)
    if _DRAWING.fullmatch(path) and not _QUIET.match(path) and not keywords & _SEEDED_BY:
        return State("numpy.random", StateUse.DRAW, line)
    if path.startswith("torch.") and re.search(
        r"\.(rand\w*|normal|multinomial|bernoulli|dropout\w*|nn\.[A-Z]\w*|[A-Z]\w*Loader|random_split)$", path
    ):
        return State("torch", StateUse.DRAW, line)
    if re.match(r"(tensorflow|keras)\.", path) and re.search(r"random\.|layers\.|Sequential|Model|shuffle", path):
        return State("tensorflow", StateUse.DRAW, line)
    return None


def method_draw(name: str, keywords: frozenset[str], line: int) -> State | None:
    """The stream that a method of an object (a frame's ``sample``) draws from without a seed of its own."""
    if name == "sample" and not keywords & _SEEDED_BY:
        return State("numpy.random", StateUse.DRAW, line)
    return None
