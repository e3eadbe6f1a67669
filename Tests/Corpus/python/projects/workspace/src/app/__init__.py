from lib import NAME as NAME
