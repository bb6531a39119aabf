"""What is known of Python's and the common libraries' functions and methods: which change what they are given.

Sources: the documentation of each; a name stands here when overlooking it would give a wrong value.
"""

from __future__ import annotations

import re


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


SHALLOW_MUTATORS = words(
    # list, deque, bytearray, array.array
    "append extend insert remove pop clear sort reverse appendleft extendleft popleft rotate byteswap frombytes "
    "fromlist "
    # dict, OrderedDict, Counter, set
    "setdefault popitem update subtract move_to_end add discard difference_update intersection_update "
    "symmetric_difference_update "
    # queue, configparser, xml, graph and image objects, dates
    "put put_nowait get_nowait set_option set_clim add_node add_nodes_from add_edge add_edges_from remove_node "
    "remove_edge add_weighted_edges_from paste putpixel putdata setflags "
    # numpy arrays
    "fill resize partition itemset setfield "
    # iterators, files, connections
    "send throw close write writelines writerow writerows seek truncate readline readlines execute executemany "
    "executescript commit rollback "
    # dunders that people call
    "__setitem__ __delitem__ __setattr__ __delattr__ __iadd__"
)
"""Methods that change their object, not what it holds."""

DEEP_MUTATORS = words(
    # sklearn, xgboost, lightgbm, statsmodels, gensim, surprise, Prophet
    "fit partial_fit fit_transform fit_predict fit_resample set_params set_output warm_start build_vocab "
    "train_on_batch load_model add_seasonality add_regressor add_country_holidays "
    # torch
    "train step backward zero_grad load_state_dict requires_grad_ share_memory "
    "register_buffer register_parameter register_module add_module register_forward_hook register_backward_hook "
    "add_param_group unscale_ set_epoch "
    # keras
    "compile load_weights set_weights fit_generator add_loss add_metric assign_add assign_sub adapt "
    # matplotlib artists, beyond those of "figure"
    "set_data set_title"
)
"""Methods that change their object and what it holds: a pipeline's steps, an optimizer's parameters."""

WHEN_DISCARDED = words("half float double cuda cpu to apply eval assign build scale configure")
"""Methods that change some objects in place, and of others (frames, tensors) return a new one: a change only where the
result is thrown away."""

RETURNS_SELF = words(
    "fit partial_fit set_params set_output train requires_grad_ share_memory add_seasonality __enter__ __aenter__"
)

VIEWS = words(
    "T mT real imag flat base view reshape ravel transpose squeeze swapaxes diagonal unsqueeze flatten permute detach "
    "numpy expand narrow unbind chunk split unfold data"
)
"""Attributes and methods of arrays and tensors that may share memory with them."""

PURE_METHODS = words(
    # str and bytes
    "format join strip lstrip rstrip split rsplit splitlines startswith endswith lower upper title capitalize replace "
    "find rfind index count encode decode zfill ljust rjust center isdigit isalpha partition isoformat strftime "
    # what returns numbers
    "score item tolist bit_length total hexdigest exists is_file is_dir"
)
"""Methods whose result shares nothing with their object."""

HOLDS_OBJECT = words("parameters named_parameters modules children buffers state_dict get_params named_steps")
"""Methods whose result leads to what their object is made of: an optimizer's parameters are its model's."""

FRAME_VIEWS = words("to_numpy values array T transpose view iloc loc get xs squeeze ravel get_group set_axis rename")
"""Attributes and methods of frames whose result may share memory with them."""

PLOTS = words("plot hist boxplot")
"""Attributes and methods of frames that draw by matplotlib."""

DICT_METHODS = words("items values get pop popitem setdefault popleft")
"""Methods that give what a dict (or the like) holds, where it is not known what their object is."""

INPLACE_METHOD = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*_$")
"""torch's convention: ``x.add_(1)``."""

READ_ONLY_FIGURE = words("savefig get show draw_idle")

IMMUTABLE_RESULT = words(
    "len int float str bool bytes complex abs round hash id ord chr repr ascii bin hex oct format isinstance "
    "issubclass callable hasattr all any pow divmod print input type range slice"
)
"""Builtins whose result cannot change."""

ELEMENTS_OF_ARGUMENTS = words("list tuple set frozenset sorted reversed iter filter enumerate zip dict")
"""Builtins that make something new of what they are given, with the same elements."""

ITERATORS = words("iter map filter zip enumerate reversed open")
CONSUMERS = ELEMENTS_OF_ARGUMENTS | words("sum min max any all map next")

MUTATED_ARGUMENTS: dict[str, tuple[int, ...]] = {
    "next": (0,), "anext": (0,), "setattr": (0,), "delattr": (0,),
    "random.shuffle": (0,), "numpy.random.shuffle": (0,), "secrets.SystemRandom.shuffle": (0,),
    "heapq.heappush": (0,), "heapq.heappop": (0,), "heapq.heapify": (0,), "heapq.heapreplace": (0,),
    "heapq.heappushpop": (0,), "bisect.insort": (0,), "bisect.insort_left": (0,), "bisect.insort_right": (0,),
    "numpy.put": (0,), "numpy.copyto": (0,), "numpy.place": (0,), "numpy.putmask": (0,), "numpy.fill_diagonal": (0,),
    "numpy.put_along_axis": (0,), "numpy.add.at": (0,), "numpy.subtract.at": (0,), "numpy.multiply.at": (0,),
    "operator.setitem": (0,), "operator.delitem": (0,), "operator.iadd": (0,), "operator.iconcat": (0,),
    "itertools.islice": (0,), "struct.pack_into": (1,), "object.__setattr__": (0,), "list.append": (0,),
    "list.sort": (0,), "list.extend": (0,), "dict.update": (0,), "collections.deque.append": (0,),
    "torch.nn.utils.clip_grad_norm_": (0,), "torch.nn.utils.clip_grad_value_": (0,), "vars": (),
    "pickle.dump": (1,), "json.dump": (1,), "functools.update_wrapper": (0,), "shap.initjs": (),
}  # fmt: skip
"""Functions that change an argument, by position."""

SAME_AS_ARGUMENT = words(
    "numpy.asarray numpy.asanyarray numpy.ascontiguousarray numpy.ravel numpy.reshape numpy.squeeze numpy.transpose "
    "numpy.atleast_1d numpy.atleast_2d numpy.broadcast_to numpy.expand_dims numpy.swapaxes numpy.split "
    "numpy.array_split numpy.hsplit numpy.vsplit numpy.moveaxis numpy.rot90 numpy.flip numpy.diagonal "
    "torch.from_numpy torch.as_tensor torch.squeeze torch.unsqueeze torch.reshape torch.split torch.chunk "
    "numpy.frombuffer memoryview typing.cast functools.wraps"
)
"""Functions whose result may share memory with the first argument."""

FRESH = words(
    "copy.deepcopy copy.copy pandas.DataFrame pandas.Series pandas.concat pandas.merge numpy.array numpy.copy "
    "numpy.zeros_like numpy.ones_like numpy.empty_like numpy.full_like"
)
"""Constructors that copy what they are given."""

RESULT_TYPES = {
    "pandas": "frame", "geopandas": "frame", "polars": "frame", "numpy": "ndarray", "numpy.random": "ndarray",
    "numpy.random.default_rng": "rng", "numpy.random.RandomState": "rng", "numpy.random.Generator": "rng",
    "random.Random": "rng", "torch.Generator": "rng", "sklearn.utils.check_random_state": "rng",
    "matplotlib": "figure", "seaborn": "figure", "math": "number", "time": "number", "torch": "tensor",
    "seaborn.load_dataset": "frame", "sklearn.metrics": "number", "statistics": "number", "itertools": "iterator",
    "itertools.product": "iterator", "csv.reader": "iterator", "csv.DictReader": "iterator", "os.path": "number",
    "collections.deque": "list", "collections.defaultdict": "defaultdict", "collections.Counter": "dict",
    "collections.OrderedDict": "dict", "os.getenv": "number", "re": "number", "torch.utils.data": "",
    "torch.nn": "", "torch.optim": "", "torch.nn.functional": "tensor", "numpy.random.rand": "ndarray",
    "numpy.nditer": "iterator", "numpy.load": "ndarray", "threading": "", "numpy.vectorize": "",
    "pandas.ExcelWriter": "",
    "pandas.read_csv": "frame", "random": "number", "random.sample": "", "random.choices": "", "random.choice": "",
    "numpy.linalg": "ndarray", "numpy.mean": "number", "numpy.sum": "number", "numpy.poly1d": "",
    "sklearn.model_selection.cross_val_score": "ndarray", "logging.getLogger": "logger",
    "decimal.getcontext": "context",
}  # fmt: skip
"""What a call gives, by the longest dotted path that fits."""

PLAIN_TYPES = frozenset({"frame", "ndarray", "number", "rng", "tensor"})
"""Types whose objects are made anew by each call: the result shares nothing with the arguments."""

IPYTHON_NAMES = words("In Out _ __ ___ _i _ii _iii _ih _oh _dh exit quit get_ipython display")
"""What IPython puts into every namespace; ``display`` and ``get_ipython`` are there in a task too."""

OUTPUT_HISTORY = re.compile(r"^(_i?\d+|_{1,3}|_i{1,3}|_ih|_oh|In|Out)$")


def result_type(path: str) -> str:
    """What a call of ``path`` gives, as far as it is known."""
    while path:
        if path in RESULT_TYPES:
            return RESULT_TYPES[path]
        path = path.rpartition(".")[0]
    return ""
