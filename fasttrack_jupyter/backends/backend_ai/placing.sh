# How the code comes into the working directory; for every container of a session.
link() { [ -e "$2" ] || [ -L "$2" ] || ln -s "$1" "$2"; }
links() { # a folder of the code ("" or "folder/"): what is in it, entry by entry
  for file in "/pipeline/code/$1"* "/pipeline/code/$1".[!.]* "/pipeline/code/$1"..?*; do
    [ ! -e "$file" ] || link "$file" "$1${file##*/}"
  done
}
executable() { # what a vfolder keeps without its mode: a copy; the folders on the way to it become folders of their own
  way= rest=$1
  while [ "$rest" != "${rest#*/}" ]; do
    way=$way${rest%%/*} rest=${rest#*/}
    [ ! -L "$way" ] || { rm "$way" && mkdir "$way" && links "$way/"; }
    way=$way/
  done
  [ ! -L "$1" ] || { rm "$1" && cp "/pipeline/code/$1" "$1" && chmod 755 "$1"; }
}
